/* Opening hours and days, in the program's time zone: as passes/hours.py has them. Pure. */

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const formats = new Map();

const local = (at, zone) => {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    }));
  }
  return Object.fromEntries(formats.get(zone).formatToParts(at).map(({ type, value }) => [type, value]));
};

/** 2026-11-22, there. */
export const day = (at, zone) => {
  const parts = local(at, zone);
  return `${parts.year}-${parts.month}-${parts.day}`;
};

/** periods: [{days, from, to}], Monday is 0; without any it is always open. */
export const isOpen = (periods, zone, at) => {
  if (!periods.length) return true;
  const parts = local(at, zone);
  const clock = `${parts.hour}:${parts.minute}`;
  const today = DAYS.indexOf(parts.weekday);
  return periods.some((period) => {
    const overnight = period.to <= period.from;
    return (period.days.includes(today) && clock >= period.from && (overnight || clock < period.to))
      || (overnight && period.days.includes((today + 6) % 7) && clock < period.to);
  });
};
