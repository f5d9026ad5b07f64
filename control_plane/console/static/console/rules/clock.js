/* Dates between a field, which is on the workspace's clocks, and RFC 3339 with its offset. */

const parts = (at, zone) => Object.fromEntries(new Intl.DateTimeFormat("en-CA", {
  timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
}).formatToParts(at).map((part) => [part.type, part.value]));

const offset = (at, zone) => {
  const p = parts(at, zone);
  return Math.round((Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - Math.floor(at / 1000) * 1000) / 60000);
};

/** "2030-01-31T18:00" on the clocks of a zone → "2030-01-31T18:00:00+01:00"; "" stays. */
export const toOffset = (local, zone) => {
  if (!local) return "";
  const wall = Date.parse(`${local}Z`);
  if (Number.isNaN(wall)) return local;
  // Asked twice: near a change of clocks the first answer is of the wrong side.
  let minutes = offset(wall, zone);
  minutes = offset(wall - minutes * 60000, zone);
  const sign = minutes < 0 ? "-" : "+";
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${local.slice(0, 16)}:00${sign}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
};

/** The other way, for a datetime-local field. What is no date gives "". */
export const toLocal = (text, zone) => {
  const at = Date.parse(text);
  if (!text || Number.isNaN(at)) return "";
  const p = parts(at, zone);
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`;
};

/** "31 Jan 2030, 18:00". */
export const readable = (text, zone) => {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return text;
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(at);
};
