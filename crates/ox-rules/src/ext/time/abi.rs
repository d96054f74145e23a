//! How the kernel stores `-m time`.
//!
//! ABI: uapi/linux/netfilter/xt_time.h. Kernel: net/netfilter/xt_time.c `time_mt_check`.
use super::super::prelude::*;
use super::{DAY, MONTHDAYS, Time, WEEKDAYS};
use ox_wire::xtables::rate::XtTimeInfo;

impl Xt<0> for Time {
    type Info = XtTimeInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtTimeInfo> {
        let Self { dates, hours, monthdays, weekdays, kernel_zone, contiguous } = *self;
        Some(XtTimeInfo {
            date_start: dates.0,
            date_stop: dates.1,
            daytime_start: hours.0,
            daytime_stop: hours.1,
            monthdays_match: monthdays,
            weekdays_match: weekdays,
            flags: bits([kernel_zone, contiguous]),
            ..Default::default()
        })
    }

    fn decode(info: &XtTimeInfo, _: &Carry<'_>) -> Option<Self> {
        let XtTimeInfo {
            date_start,
            date_stop,
            daytime_start,
            daytime_stop,
            monthdays_match,
            weekdays_match,
            flags,
            _pad,
        } = *info;
        let [kernel_zone, contiguous] = unbits(flags);
        let known = daytime_start < DAY && daytime_stop < DAY;
        known.then_some(Self {
            dates: (date_start, date_stop),
            hours: (daytime_start, daytime_stop),
            monthdays: monthdays_match & MONTHDAYS,
            weekdays: weekdays_match & WEEKDAYS,
            kernel_zone,
            contiguous,
        })
    }

    /// Day 0 there is none; stock takes it among others.
    fn settle(info: &mut XtTimeInfo, _: &Carry<'_>) {
        info.monthdays_match &= MONTHDAYS;
        info.weekdays_match &= WEEKDAYS;
    }
}
