//! `-j LED`: a light of the machine blinks, and on.
//!
//! Kernel: net/netfilter/xt_LED.c; ABI: uapi/linux/netfilter/xt_LED.h.
use super::prelude::*;
use ox_wire::xtables::report::XtLedInfo;
use std::mem::offset_of;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Led {
    trigger: String,
    delay: Delay,
    blink: bool,
}

options! { Led;
    /// Name of the trigger, to which a light is tied under /sys/class/leds; the kernel puts `netfilter-' before it.
    TRIGGER ["led-trigger-id"] Trigger, .needed() => |l, v| l.trigger = v.0;
    /// How many milliseconds it stays on, or `inf` for ever.
    DELAY ["led-delay"] Delay => |l, v| l.delay = v;
    /// Blink at every packet, even if it is on already.
    BLINK ["led-always-blink"] Flag => |l, _v| l.blink = true;
}

/// Bytes of a name: the kernel's field has 27, and stock writes 10 of them itself.
const NAME_MAX: usize = 16;

struct Trigger(String);

impl Value for Trigger {
    const HINT: &'static str = "NAME";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            name if name.is_empty() || crate::bytes::len(name) > NAME_MAX => {
                Err(format!("a name has 1 to {NAME_MAX} bytes"))
            }
            name if name.contains('\n') => Err("a name cannot hold a line break".into()),
            name => Ok(Trigger(name.to_owned())),
        }
    }
}

/// Milliseconds; all ones for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Delay(u32);

impl Value for Delay {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N|inf";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            // Stock saves it as -1, which it does not read.
            text if text.eq_ignore_ascii_case("inf") || text == "-1" => Ok(Delay(u32::MAX)),
            text => number(text, u32::MAX).map(Delay).ok_or_else(|| {
                format!("`{text}' is not a time: milliseconds from 0 to {}, or `inf', are expected", u32::MAX)
            }),
        }
    }
}

impl Ext for Led {
    const NAME: &'static str = "LED";
    const ABOUT: &'static str = "Lets a light of the machine blink, and goes on.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { trigger, delay, blink } = self;
        out.word("--led-trigger-id");
        always_quoted(trigger, out);
        match delay {
            Delay(0) => {}
            Delay(u32::MAX) => out.word("--led-delay inf"),
            Delay(ms) => out.opt(false, "--led-delay", ms),
        }
        if *blink {
            out.word("--led-always-blink");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { trigger, delay, blink } = self;
        out.word("led-trigger-id:");
        let mut name = Out::default();
        always_quoted(trigger, &mut name);
        out.raw(&name.text);
        match delay {
            Delay(u32::MAX) => out.word("led-delay:inf"),
            Delay(ms) => out.fmt(format_args!(" led-delay:{ms}ms")),
        }
        if *blink {
            out.word("led-always-blink");
        }
    }
}

/// Between quotes, whether it needs them or not; quotes and backslashes behind a backslash.
fn always_quoted(text: &str, out: &mut Out) {
    out.gap();
    out.raw("\"");
    for c in text.chars() {
        out.fmt(format_args!("{}{c}", if matches!(c, '"' | '\\') { "\\" } else { "" }));
    }
    out.raw("\"");
}

impl Acting for Led {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { trigger: _, delay: _, blink: _ } = self;
        Act::Native(NativeAct::new("light", Effect::Mutates, |_| Ok(Verdict::Continue)))
    }
}

/// What stock puts before the name.
const PREFIX: &str = "netfilter-";

impl Xt<0> for Led {
    type Info = XtLedInfo;
    const COMPARE: usize = offset_of!(XtLedInfo, internal_data);

    fn encode(&self, _: &Carry<'_>) -> Option<XtLedInfo> {
        let Self { trigger, delay, blink } = self;
        Some(XtLedInfo {
            id: chars(&format!("{PREFIX}{trigger}"))?,
            always_blink: (*blink).into(),
            delay: delay.0,
            ..Default::default()
        })
    }

    fn decode(info: &XtLedInfo, _: &Carry<'_>) -> Option<Self> {
        let XtLedInfo { id, always_blink, delay, internal_data: _ } = info;
        let trigger = text(id)?.strip_prefix(PREFIX)?.to_owned();
        Some(Self { trigger, delay: Delay(*delay), blink: *always_blink != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use crate::ir::Verdict;
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        let line = |words: &str| format!("-j LED --led-trigger-id {words}");
        let four = |typed: &str, printed: &str, listed: &str| check(V4, Filter, &line(typed), &line(printed), listed);
        four("x --led-delay 0", "\"x\"", "led-trigger-id:\"x\" led-delay:0ms");
        four(
            "\"a \\\"b\" --led-always-blink --led-delay 0x10",
            "\"a \\\"b\" --led-delay 16 --led-always-blink",
            "led-trigger-id:\"a \\\"b\" led-delay:16ms led-always-blink",
        );
        for forever in ["inf", "INF", "-1", "4294967295"] {
            four(&format!("x --led-delay {forever}"), "\"x\" --led-delay inf", "led-trigger-id:\"x\" led-delay:inf");
        }
        for rest in ["\"\"", "12345678901234567", "x --led-delay 1ms", "x ! --led-always-blink"] {
            refused(V4, Filter, &line(rest));
        }
        refused(V4, Filter, "-j LED");
    }

    #[test]
    fn the_packet_goes_on() {
        let mut trial = Trial::of("-j LED --led-trigger-id x");
        assert_eq!(trial.run(&mut udp([1; 4], [2; 4]), None), Ok(Verdict::Continue));
    }
}
