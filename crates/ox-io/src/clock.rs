//! The time of day, a clock that never goes back, one that runs with the thread, and the seed of everything random.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::rand::{GetRandomFlags, getrandom};
use rustix::time::{ClockId, clock_gettime};

use crate::Error;

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds since 1970-01-01 00:00:00 UTC; changes when somebody sets the clock.
    pub realtime_ns: u64,
    /// Nanoseconds since some moment before this process; never goes back.
    pub monotonic_ns: u64,
}

/// Reads both clocks.
pub fn now() -> Now {
    let realtime = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let monotonic = clock_gettime(ClockId::Monotonic);
    Now {
        realtime_ns: u64::try_from(realtime).unwrap_or(u64::MAX),
        monotonic_ns: (monotonic.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(monotonic.tv_nsec as u64),
    }
}

/// Nanoseconds for which this thread has held a processor: what a benchmark counts on a machine shared with others.
pub fn thread_cpu_ns() -> u64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    (spent.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(spent.tv_nsec as u64)
}

/// The local date and time as `ctime` writes it: `Sun Nov 22 21:50:55 2026`.
pub fn stamp() -> String {
    let mut text = [0u8; 64];
    // SAFETY: `time` takes a null pointer; the others get valid pointers to things that outlive the call, the format is
    // zero-terminated, and strftime writes no more than it is told there is room for.
    let len = unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut local = std::mem::zeroed::<libc::tm>();
        if libc::localtime_r(&now, &mut local).is_null() {
            return String::new();
        }
        libc::strftime(text.as_mut_ptr().cast(), text.len(), c"%a %b %e %H:%M:%S %Y".as_ptr(), &local)
    };
    String::from_utf8_lossy(&text[..len]).into_owned()
}

/// Bytes nobody can foresee, to seed a generator with.
pub fn seed() -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    let mut filled = 0;
    while filled < seed.len() {
        match getrandom(&mut seed[filled..], GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::system("read", "the system's random numbers", error)),
        }
    }
    Ok(seed)
}

/// A seed of eight bytes, short enough for a person to repeat on the command line.
pub fn seed_u64() -> Result<u64, Error> {
    let [a, b, c, d, e, f, g, h, ..] = seed()?;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_forward_and_seeds_differ() {
        let (a, b) = (now(), now());
        assert!(b.monotonic_ns >= a.monotonic_ns && a.monotonic_ns > 0);
        // After 2024 and before the year 2554, where nanoseconds leave 64 bits.
        assert!(a.realtime_ns > 1_700_000_000_000_000_000 && a.realtime_ns < u64::MAX);
        assert!(thread_cpu_ns() > 0);
        assert_ne!(seed().unwrap(), seed().unwrap());
        assert_ne!(seed_u64().unwrap(), seed_u64().unwrap());
    }
}
