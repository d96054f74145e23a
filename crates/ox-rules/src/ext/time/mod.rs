//! `-m time`: dates, hours of the day, days of the week and of the month.
//!
//! Kernel: net/netfilter/xt_time.c; ABI: uapi/linux/netfilter/xt_time.h. Times are UTC unless the kernel's time zone is
//! asked for.
mod abi;

use super::prelude::*;

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// Seconds since 1970.
    dates: (u32, u32),
    /// Seconds since midnight. If the first is not below the second, midnight lies between them.
    hours: (u32, u32),
    /// Bits 1 to 31.
    monthdays: u32,
    /// Bits 1 (Monday) to 7.
    weekdays: u8,
    kernel_zone: bool,
    contiguous: bool,
}

const DAY: u32 = 24 * 60 * 60;
/// Where stock lets time end unless told otherwise: 2038-01-19 03:14:07.
const LAST: u32 = i32::MAX as u32;
const MONTHDAYS: u32 = 0xffff_fffe;
const WEEKDAYS: u8 = 0xfe;
const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Default for Time {
    fn default() -> Self {
        Self {
            dates: (0, LAST),
            hours: (0, DAY - 1),
            monthdays: MONTHDAYS,
            weekdays: WEEKDAYS,
            kernel_zone: false,
            contiguous: false,
        }
    }
}

options! { Time;
    /// First moment of a span: 2024-02-29, or with a time behind a T: 2024-02-29T10:30:00.
    DATESTART ["datestart"] Date => |t, v| t.dates.0 = v.0;
    /// Last moment of it.
    DATESTOP ["datestop"] Date => |t, v| t.dates.1 = v.0;
    /// First second of the day, as hh:mm or hh:mm:ss.
    TIMESTART ["timestart"] Clock => |t, v| t.hours.0 = v.0;
    /// Last second of the day; before the first one, it belongs to the next day.
    TIMESTOP ["timestop"] Clock => |t, v| t.hours.1 = v.0;
    /// A time that runs past midnight belongs as a whole to the day on which it begins.
    CONTIGUOUS ["contiguous"] Flag => |t, _v| t.contiguous = true;
    /// Days of the week, separated by commas: Mon to Sun, or 1 to 7.
    WEEKDAYS ["weekdays", "days"] Inv<Weekdays> => |t, v| t.weekdays = if v.not { v.is.0 ^ WEEKDAYS } else { v.is.0 };
    /// Days of the month, separated by commas: 1 to 31.
    MONTHDAYS ["monthdays"] Inv<Monthdays> => |t, v| t.monthdays = if v.not { v.is.0 ^ MONTHDAYS } else { v.is.0 };
    /// Times are in the kernel's time zone.
    KERNELTZ ["kerneltz"] Flag, .excl(Self::UTC) => |t, _v| t.kernel_zone = true;
    /// The older name of --kerneltz.
    LOCALTZ ["localtz"] Flag, .excl(Self::UTC) => |t, _v| t.kernel_zone = true;
    /// Times are UTC, which they are anyway.
    UTC ["utc"] Flag, .excl(Self::KERNELTZ | Self::LOCALTZ) => |_t, _v| ();
}

/// A decimal number up to `max`, leading zeros and all; nothing at all is 0, as in stock.
fn part(text: &str, max: u32) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&n| digits && n <= max)
}

/// `hh`, `hh:mm` or `hh:mm:ss` in seconds.
fn clock(text: &str) -> Option<u32> {
    let mut parts = text.splitn(3, ':');
    let hours = part(parts.next()?, 23)?;
    let minutes = part(parts.next().unwrap_or(""), 59)?;
    let seconds = part(parts.next().unwrap_or(""), 59)?;
    Some((hours * 60 + minutes) * 60 + seconds)
}

struct Clock(u32);

impl Value for Clock {
    const HINT: &'static str = "HH:MM[:SS]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0].trim_start();
        let time = clock(text).filter(|_| text.contains(':'));
        time.map(Clock).ok_or_else(|| format!("`{}' is not a time of the day like 18:30 or 18:30:00", args[0]))
    }
}

struct Date(u32);

impl Value for Date {
    const HINT: &'static str = "YYYY[-MM[-DD[Thh[:mm[:ss]]]]]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        date(args[0]).map(Date).ok_or_else(|| {
            format!("`{}' is not a date from 1970 to 2038 like 2024-02-29 or 2024-02-29T18:30:00", args[0])
        })
    }
}

fn date(text: &str) -> Option<u32> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let mut parts = day.splitn(3, '-');
    let year = part(parts.next()?, 2038).filter(|&y| y >= 1970)?;
    let month = parts.next().map_or(Some(1), |m| part(m, 12))?;
    let day = match parts.next() {
        Some(d) => part(d, 31)?,
        None if time.is_some() => return None,
        None => 1,
    };
    let seconds = time.map_or(Some(0), clock)?;
    // Month 0 is the December before, day 0 the last of the month before, and 30 February is in March: mktime's ways.
    let (year, month) = if month == 0 { (year - 1, 12) } else { (year, month) };
    let days = days_before(year.into(), month) + i64::from(day) - 1;
    u32::try_from(days * i64::from(DAY) + i64::from(seconds)).ok()
}

/// Days from 1970 to the first of a month.
fn days_before(year: i64, month: u32) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leaps = |y: i64| y / 4 - y / 100 + y / 400;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let this = BEFORE.get(month.saturating_sub(1) as usize).copied().unwrap_or(0) + i64::from(leap && month > 2);
    (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + this
}

/// Year, month and day of the month of a day counted from 1970.
fn civil(days: i64) -> (i64, u32, u32) {
    let mut year = 1970 + days / 366;
    while days_before(year + 1, 1) <= days {
        year += 1;
    }
    let mut month = 12;
    while days_before(year, month) > days {
        month -= 1;
    }
    (year, month, (days - days_before(year, month)) as u32 + 1)
}

struct Weekdays(u8);

impl Value for Weekdays {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "DAY[,DAY]…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let mut bits = 0;
        // No day at all is what stock makes of `! --weekdays 1,2,3,4,5,6,7'.
        for day in args[0].split(',').filter(|_| !args[0].is_empty()) {
            // The first two letters are enough, and what follows them does not matter.
            let named =
                NAMES.iter().position(|n| day.as_bytes().get(..2) == n.as_bytes().get(..2)).map(|i| i as u32 + 1);
            match named.or_else(|| number(day, 7)) {
                Some(n @ 1..) => bits |= 1 << n,
                _ => return Err(format!("`{day}' is not a day of the week: Mon to Sun, or 1 (Monday) to 7")),
            }
        }
        Ok(Weekdays(bits))
    }
}

struct Monthdays(u32);

impl Value for Monthdays {
    const FORMS: &'static [Form] = &[Form::Numbers];
    const HINT: &'static str = "DAY[,DAY]…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let mut bits = 0;
        for day in args[0].split(',').filter(|d| !d.is_empty()) {
            match part(day, 31) {
                Some(n @ 1..) => bits |= 1 << n,
                _ => return Err(format!("`{day}' is not a day of a month: 1 to 31")),
            }
        }
        Ok(Monthdays(bits))
    }
}

fn print_clock(seconds: u32, out: &mut Out) {
    out.fmt(format_args!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
}

fn print_date(seconds: u32, between: char, out: &mut Out) {
    let (year, month, day) = civil((seconds / DAY).into());
    out.fmt(format_args!("{year:04}-{month:02}-{day:02}{between}"));
    print_clock(seconds % DAY, out);
}

fn print_weekdays(bits: u8, out: &mut Out) {
    let days = (1..).zip(NAMES).filter(|(i, _)| bits & 1 << i != 0);
    for (nth, (_, name)) in days.enumerate() {
        out.raw(if nth > 0 { "," } else { "" });
        out.raw(name);
    }
}

fn print_monthdays(bits: u32, ordinal: bool, out: &mut Out) {
    for (nth, day) in (1..32).filter(|d| bits & 1 << d != 0).enumerate() {
        out.fmt(format_args!("{}{day}", if nth > 0 { "," } else { "" }));
        if ordinal {
            // Stock says 11st, 12nd and 13rd.
            out.raw(match day % 10 {
                1 => "st",
                2 => "nd",
                3 => "rd",
                _ => "th",
            });
        }
    }
}

impl Ext for Time {
    const NAME: &'static str = "time";
    const ABOUT: &'static str = "Asks for the date and the time at which the packet is here.";

    fn check(&mut self, _: u32, _: &Reading<'_>) -> Result<(), String> {
        if self.contiguous && self.hours.0 < self.hours.1 {
            return Err("--contiguous is for times that run past midnight: --timestop before --timestart".into());
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { dates, hours, monthdays, weekdays, kernel_zone, contiguous } = *self;
        if hours != (0, DAY - 1) {
            out.word("--timestart ");
            print_clock(hours.0, out);
            out.word("--timestop ");
            print_clock(hours.1, out);
        }
        if monthdays != MONTHDAYS {
            out.word("--monthdays ");
            print_monthdays(monthdays, false, out);
            out.raw(if monthdays == 0 { "\"\"" } else { "" });
        }
        if weekdays != WEEKDAYS {
            out.word("--weekdays ");
            print_weekdays(weekdays, out);
            out.raw(if weekdays == 0 { "\"\"" } else { "" });
        }
        if dates.0 != 0 {
            out.word("--datestart ");
            print_date(dates.0, 'T', out);
        }
        out.word("--datestop ");
        print_date(dates.1, 'T', out);
        if kernel_zone {
            out.word("--kerneltz");
        }
        if contiguous {
            out.word("--contiguous");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { dates, hours, monthdays, weekdays, kernel_zone, contiguous } = *self;
        out.word("TIME");
        if hours != (0, DAY - 1) {
            out.raw(" from ");
            print_clock(hours.0, out);
            out.raw(" to ");
            print_clock(hours.1, out);
        }
        if weekdays != WEEKDAYS {
            out.raw(" on ");
            print_weekdays(weekdays, out);
        }
        if monthdays != MONTHDAYS {
            out.raw(" on ");
            print_monthdays(monthdays, true, out);
        }
        if dates.0 != 0 {
            out.raw(" starting from ");
            print_date(dates.0, ' ', out);
        }
        if dates.1 != LAST {
            out.raw(" until date ");
            print_date(dates.1, ' ', out);
        }
        out.raw(if kernel_zone { "" } else { " UTC" });
        out.raw(if contiguous { " contiguous" } else { "" });
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { dates: (first, last), hours: (from, to), monthdays, weekdays, kernel_zone, contiguous } = *self;
        if kernel_zone {
            return nft.no("nft reckons hours in UTC, and knows no time zone of the kernel's");
        }
        if monthdays != Self::default().monthdays {
            return nft.no("nft knows no days of a month");
        }
        if contiguous && from > to {
            return nft.no("nft knows no time that goes on into the next day");
        }
        // As numbers: written as dates and hours, nft takes them in the time zone of whoever loads the rules.
        if (first, last) != Self::default().dates {
            if first != 0 {
                nft.say(format_args!("meta time >= {first}"));
            }
            if last != Self::default().dates.1 {
                nft.say(format_args!("meta time < {}", u64::from(last) + 1));
            }
        }
        if (from, to) != Self::default().hours {
            match from <= to {
                true => nft.say(format_args!("meta hour {from}-{to}")),
                false if from == to + 1 => {}
                false => nft.say(format_args!("meta hour != {}-{}", to + 1, from - 1)),
            }
        }
        if weekdays != Self::default().weekdays {
            // Sunday is 7 here, and 0 there.
            let days: Vec<String> = (1..=7u8).filter(|d| weekdays & 1 << d != 0).map(|d| (d % 7).to_string()).collect();
            match days.as_slice() {
                [] => return nft.no("no day is one of these"),
                [one] => nft.test("meta day", false, &one[..]),
                days => nft.test("meta day", false, format_args!("{{ {} }}", days.join(", "))),
            }
        }
        Some(())
    }
}

impl Time {
    /// Kernel: `time_mt`, asked at this many seconds since 1970 in the zone that counts.
    fn holds(&self, mut stamp: i64) -> bool {
        let Self { dates, hours, monthdays, weekdays, kernel_zone: _, contiguous } = *self;
        let day = i64::from(DAY);
        if stamp < i64::from(dates.0) || stamp > i64::from(dates.1) {
            return false;
        }
        let second = stamp.rem_euclid(day) as u32;
        if hours.0 < hours.1 {
            if second < hours.0 || second > hours.1 {
                return false;
            }
        } else {
            if second < hours.0 && second > hours.1 {
                return false;
            }
            // The hours after midnight belong to the day before.
            if contiguous && second <= hours.1 {
                stamp -= day;
            }
        }
        // The first hours of 1970, moved to the day before, would be a day the kernel cannot count.
        let days = stamp.div_euclid(day).max(0);
        // 1 January 1970 was a Thursday.
        let weekday = (days + 3) % 7 + 1;
        let (_, _, monthday) = civil(days);
        weekdays & 1 << weekday != 0 && (monthdays == MONTHDAYS || monthdays & 1 << monthday != 0)
    }
}

impl Matching for Time {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let this = self.clone();
        Native::new("time", Effect::Stable, move |at| {
            let zone = if this.kernel_zone { i64::from(at.env.kernel_zone()) * 60 } else { 0 };
            Ok(this.holds((at.env.now().wall / 1_000_000_000) as i64 + zone))
        })
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (text, seconds, back) in [
            ("1970", 0, "1970-01-01T00:00:00"),
            ("2000-02-29", 951_782_400, "2000-02-29T00:00:00"),
            ("2024-02-30", 1_709_251_200, "2024-03-01T00:00:00"),
            ("2024-00-01", 1_701_388_800, "2023-12-01T00:00:00"),
            ("2038-01-19T03:14:07", LAST, "2038-01-19T03:14:07"),
            ("2038-12-31T23:59:59", 2_177_452_799, "2038-12-31T23:59:59"),
        ] {
            assert_eq!(date(text), Some(seconds), "{text}");
            let mut out = Out::default();
            print_date(seconds, 'T', &mut out);
            assert_eq!(out.text, back);
        }
        for wrong in ["", "1969-12-31", "2039", "2024-13-01", "2024-01-32", "2024-01T10", "2024-01-01T24:00", "1970-00"]
        {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins_if_contiguous() {
        // Monday 2024-01-01.
        let monday = i64::from(date("2024-01-01").expect("a date"));
        let night = Time { hours: (23 * 3600, 3600), weekdays: 1 << 1, ..Time::default() };
        let whole = Time { contiguous: true, ..night.clone() };
        let (early, late, next) = (monday + 1800, monday + 84_600, monday + 86_400 + 1800);
        assert_eq!([early, late, next].map(|t| night.holds(t)), [true, true, false]);
        assert_eq!([early, late, next].map(|t| whole.holds(t)), [false, true, true]);
        assert!(!whole.holds(monday + 12 * 3600));
        // Both ends belong to the time.
        assert!(night.holds(monday + 23 * 3600) && night.holds(monday + 3600) && !night.holds(monday + 3601));
    }
}
