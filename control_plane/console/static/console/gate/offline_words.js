/* What a phone that is by itself says about it. Pure. */

import { clock, grouped, many, moment } from "./words.js";

/** One line: since when, what is kept, what is left. */
export const offlineWords = ({ off, why, since, entries, left }) => {
  const scans = entries.filter((entry) => !entry.delta).length;
  const counts = entries.length - scans;
  const kept = [scans && many(scans, "scan", "scans"), counts && many(counts, "count", "counts")].filter(Boolean).join(" and ");
  if (!off) return kept ? `Handing in ${kept}…` : "";
  if (why) return `Offline, and passes cannot be checked now. ${why}${kept ? ` ${kept} kept.` : ""}`;
  const parts = [`Offline${since ? ` since ${clock(since)}` : ""}`, kept ? `${kept} kept` : "this phone decides"];
  if (left !== null) parts.push(left ? many(left, "place left", "places left") : "no place left");
  // A line breaks between the parts, not within them.
  return parts.map((part) => part.replaceAll(" ", "\u00a0")).join(" · ");
};

/** Of entries that the server took otherwise: [[entry, answer], …]. */
export const conflictWords = (pairs) => {
  if (!pairs.length) return "";
  const [entry, answer] = pairs.at(-1);
  const number = answer.number ?? entry.number;
  const name = number ? `No. ${grouped(number)}` : "A code";
  const { earlier } = answer;
  const where = earlier ? ` ${[earlier.gate && `at ${earlier.gate}`, earlier.device && `by ${earlier.device}`].filter(Boolean).join(", ")}, ${moment(earlier.at)}.` : "";
  const said = answer.state === "not_taken" ? answer.sentence : `${answer.sentence.replace(/\.$/, where ? ":" : ".")}${where}`;
  const more = pairs.length > 1 ? ` And ${many(pairs.length - 1, "other", "others")}: the organiser has the list.` : "";
  return `${name}, ${moment(entry.at)}: ${said}${more}`;
};
