/* What this device says by itself: the five checks of redeem_2.sql, in their order, by what it knows. Pure.

   A pass's record: {program, state: a h r p, uses, most, zone, last, from, until, issuer, used}; times in ms. */

import { day, isOpen } from "./hours.js";

const OVERRIDABLE = ["stale", "not_yet_valid", "expired", "closed", "held", "already_used", "issuer_inactive", "wrong_gate"];
const OWN_WAY = { entrance: "in", exit: "out" };

/** Of a pass that nobody has used: as its code says. */
export const newRecord = (token) => ({
  program: token.program, state: "a", uses: 0, most: null, zone: null, last: null, from: token.from, until: token.until, issuer: null, used: false, number: null,
});

/** {reason, refusedAs, direction, mayOverride, ins, outs, after}. `said`: what the signature was found to be, ""
    is genuine; `stale`: its code changes, and this one has passed. rules: {program, zones, issuers}; left(zone id) is how many this device may let in. */
export const decide = ({ said, stale = false, record, gate, way = "", override = "", at }, { program, zones, issuers, left }) => {
  const asked = OWN_WAY[gate.way] || way || "auto";
  let direction = asked === "out" ? "out" : "in";
  const refuse = (reason) => ({ reason, refusedAs: "", direction, mayOverride: direction === "in" && OVERRIDABLE.includes(reason), ins: [], outs: [], after: null });
  if (said) return refuse(said);

  const path = zones.get(gate.zone_id).path;
  const inside = zones.get(record.zone)?.path || [];
  const here = inside.includes(gate.zone_id);
  const same = record.program === program.id;
  if (asked === "auto" && here) direction = "out";

  if (direction === "out") {
    // A guest of another program, whom a supervisor let in, gets out too.
    if (!here) return refuse(same ? "not_inside" : "wrong_gate");
    const outer = path.at(-2) ?? null;
    return { reason: "ok", refusedAs: "", direction, mayOverride: false, ins: [], outs: inside.slice(inside.indexOf(gate.zone_id)), after: { ...record, zone: outer } };
  }

  if (record.state === "r" || record.state === "p") return refuse("revoked");
  const isNewUse = !inside.length || here || inside[0] !== path[0];
  const refused = whyNot({ stale, record, gate, at, same, here, isNewUse }, { program, issuers });
  if (refused && !override) return refuse(refused);
  const outs = isNewUse ? inside : inside.filter((id) => !path.includes(id));
  const ins = isNewUse ? path : path.filter((id) => !inside.includes(id));
  // Who takes their own old place needs no other.
  if (ins.some((id) => !outs.includes(id) && zones.get(id).capacity !== null && left(id) < 1)) return refuse("full");
  const after = { ...record, zone: gate.zone_id };
  if (isNewUse) {
    after.uses += 1;
    after.last = Math.max(record.last ?? at, at);
    if (!record.used && program.use_hours !== null) after.until = Math.min(record.until ?? Infinity, Math.max(at, record.from ?? at) + program.use_hours * 3_600_000);
    after.used = true;
  }
  return { reason: "ok", refusedAs: refused, direction, mayOverride: false, ins, outs, after };
};

/** What a supervisor may pass over, the first that holds; or "". */
const whyNot = ({ stale, record, gate, at, same, here, isNewUse }, { program, issuers }) => {
  const zone = program.time_zone;
  const most = record.most ?? program.max_uses;
  if (!same) return "wrong_gate";
  if (stale) return "stale";
  if (record.from !== null && record.from > at) return "not_yet_valid";
  if ((record.until !== null && record.until <= at) || program.state === "ended") return "expired";
  if (!isOpen(program.opening_hours, zone, at) || program.state === "paused" || !gate.is_open) return "closed";
  if (record.state === "h") return "held";
  if (here && ["none", "after_exit"].includes(program.reentry)) return "already_used";
  if (isNewUse) {
    if (program.reentry === "none" ? record.uses >= (record.most ?? 1) : most !== null && record.uses >= most) return "already_used";
    if (program.reentry === "daily" && record.last !== null && day(record.last, zone) === day(at, zone)) return "already_used";
  }
  const issuer = issuers.get(record.issuer);
  if (issuer && !(issuer.days[day(at, zone)] ?? issuer.is_active)) return "issuer_inactive";
  return "";
};
