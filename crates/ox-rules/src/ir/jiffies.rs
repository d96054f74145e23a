//! The kernel's coarse clock: `limit`, `hashlimit`, `recent` and timeouts count in jiffies, not in nanoseconds.

/// Ticks a second (`CONFIG_HZ`): 250 in the kernels that distributions ship and that ours is compared with.
pub const HZ: u64 = 250;

/// Nanoseconds in a tick.
pub const TICK_NS: u64 = 1_000_000_000 / HZ;

/// Monotonic nanoseconds in whole ticks.
pub const fn jiffies(mono: u64) -> u64 {
    mono / TICK_NS
}
