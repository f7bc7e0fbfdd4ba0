// A clock that stands: only timers, which do not wait, move it on.

/** Give `Date` and `Temporal` on a clock; `now` gives its milliseconds since the epoch. */
export function clocks(now) {
  const { Date: RealDate, Temporal: RealTemporal, Reflect: { construct, get } } = globalThis;
  const FrozenDate = new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, args, made) => construct(target, args.length === 0 ? [now()] : args, made),
    get: (target, key, receiver) => (key === "now" ? () => now() : get(target, key, receiver)),
  });
  Object.defineProperty(RealDate.prototype, "constructor", { value: FrozenDate, writable: true, configurable: true });
  if (RealTemporal !== undefined) {
    const instant = () => RealTemporal.Instant.fromEpochMilliseconds(now());
    const zoned = (zone = "UTC") => instant().toZonedDateTimeISO(zone);
    const Now = {
      instant,
      timeZoneId: () => "UTC",
      zonedDateTimeISO: zoned,
      plainDateTimeISO: (zone) => zoned(zone).toPlainDateTime(),
      plainDateISO: (zone) => zoned(zone).toPlainDate(),
      plainTimeISO: (zone) => zoned(zone).toPlainTime(),
    };
    Object.defineProperty(RealTemporal, "Now", { value: Now, writable: true, configurable: true });
  }
  return { Date: FrozenDate };
}
