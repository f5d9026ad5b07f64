/* Numbers and times in words. Pure. */

let zone = undefined;
/** The program's time zone: a pass is for 18:00 there, wherever the phone thinks it is. */
export const useTimeZone = (name) => {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    zone = name;
  } catch {
    zone = undefined;
  }
};

const format = (options, at) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }).format(new Date(at));

export const clock = (at) => format({ hour: "2-digit", minute: "2-digit" }, at);
export const clockWithSeconds = (at) => format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }, at);
const day = (at) => format({ weekday: "short", day: "numeric", month: "short" }, at);

/** 18:02 today, else Sat 22 Nov, 18:02. */
export const moment = (at, now = Date.now()) => (day(at) === day(now) ? clock(at) : `${day(at)}, ${clock(at)}`);

/** 12 min ago. `now` by the server's clock. */
export const ago = (at, now) => {
  const seconds = Math.max(0, Math.round((now - new Date(at)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
};

export const grouped = (number) => number.toLocaleString("en-GB");
export const percent = ({ inside, capacity }) => (capacity ? Math.floor((inside * 100) / capacity) : inside ? 100 : 0);
export const many = (number, one, more) => `${grouped(number)} ${number === 1 ? one : more}`;

/** How far the phone's clock is off, in a sentence, or "". Two minutes are let pass. */
export const skewSentence = (skew) => {
  const minutes = Math.round(Math.abs(skew) / 60_000);
  if (Math.abs(skew) <= 120_000) return "";
  return `This phone's clock is ${many(minutes, "minute", "minutes")} ${skew > 0 ? "behind" : "ahead"}. `
    + "Passes are judged by the server's clock; set this one right, so that the times it shows are right too.";
};
