//! `-j CT` and `-j NOTRACK`: say how a packet shall be tracked, before it is.
//!
//! Kernel: net/netfilter/xt_CT.c; ABI: uapi/linux/netfilter/xt_CT.h `struct xt_ct_target_info_v1`.
mod abi;

use super::prelude::*;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ct {
    notrack: bool,
    helper: Option<String>,
    timeout: Option<String>,
    events: u16,
    exp_events: u16,
    zone: Zone,
}

/// The zone asked for. Directions: bit 0 original, bit 1 reply, none for both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Zone {
    id: u16,
    from_mark: bool,
    dirs: u8,
}

impl Zone {
    /// Zone 0 is no zone, whichever way it is for; both ways are said by naming none; the mark is a zone of its own.
    fn settle(&mut self) {
        if self.from_mark {
            self.id = 0;
        }
        if self.dirs == 3 || (self.id == 0 && !self.from_mark) {
            self.dirs = 0;
        }
    }
}

/// Connection events in the kernel's numbering (ABI: nf_conntrack_common.h `enum ip_conntrack_events`).
const EVENTS: [&str; 10] =
    ["new", "related", "destroy", "reply", "assured", "protoinfo", "helper", "mark", "natseqinfo", "secmark"];

/// Events of expectations.
const EXP_EVENTS: [&str; 1] = ["new"];

options! { Ct;
    /// Do not track the packet at all.
    NOTRACK ["notrack"] Flag => |c, _v| c.notrack = true;
    /// Watch the connection with this helper.
    HELPER ["helper"] Text => |c, v| { c.helper = Some(short(v.0, 15)?); Ok(()) };
    /// Use this timeout policy.
    TIMEOUT ["timeout"] Text => |c, v| { c.timeout = Some(short(v.0, 31)?); Ok(()) };
    /// Report only these events of the connection, separated by commas.
    EVENTS ["ctevents"] Texts => |c, v| { c.events = read_events(&v.0, &EVENTS)?; Ok(()) };
    /// Report only these events of expectations.
    EXPEVENTS ["expevents"] Texts => |c, v| { c.exp_events = read_events(&v.0, &EXP_EVENTS)?; Ok(()) };
    /// Zone to track in, or `mark` to take the packet's mark.
    ZONE ["zone"] ZoneId => |c, v| c.zone(v, 0);
    /// Zone for the original direction only.
    ZONE_ORIG ["zone-orig"] ZoneId => |c, v| c.zone(v, 1);
    /// Zone for the reply direction only.
    ZONE_REPLY ["zone-reply"] ZoneId => |c, v| c.zone(v, 2);
}

fn short(text: String, max: usize) -> Result<String, String> {
    match bytes::len(&text) {
        0 => Err("a name is expected".into()),
        n if n > max => Err(format!("`{text}' is too long: {max} bytes at most")),
        _ => Ok(text),
    }
}

fn read_events(text: &str, known: &[&str]) -> Result<u16, String> {
    let mut bits = 0;
    for name in text.split(',') {
        let Some(bit) = known.iter().position(|&k| k == name) else {
            return Err(format!("`{name}' is not an event; there are: {}", known.join(" ")));
        };
        bits |= 1 << bit;
    }
    Ok(bits)
}

/// A zone's number; none for `mark`.
struct ZoneId(Option<u16>);

impl Value for ZoneId {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "ZONE|mark";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            "mark" => Ok(ZoneId(None)),
            text => match number(text, 65535) {
                Some(n) => Ok(ZoneId(Some(n as u16))),
                None => Err(format!("`{text}' is not a zone: a number from 0 to 65535, or mark")),
            },
        }
    }
}

impl Ct {
    /// One id for all three options; each only adds its direction, as the kernel's structure has it.
    fn zone(&mut self, v: ZoneId, dir: u8) {
        match v.0 {
            Some(id) => self.zone.id = id,
            None => self.zone.from_mark = true,
        }
        self.zone.dirs |= dir;
    }

    fn print(&self, dashes: &str, out: &mut Out) {
        let Self { notrack, helper, timeout, events, exp_events, zone } = self;
        if *notrack {
            out.word(dashes);
            out.raw("notrack");
        }
        for (name, text) in [("helper", helper), ("timeout", timeout)] {
            if let Some(text) = text {
                out.word(dashes);
                out.raw(name);
                out.guarded(text);
            }
        }
        for (name, bits, known) in [("ctevents", *events, &EVENTS[..]), ("expevents", *exp_events, &EXP_EVENTS[..])] {
            if bits == 0 {
                continue;
            }
            out.word(dashes);
            out.raw(name);
            let mut gap = " ";
            for (_, event) in known.iter().enumerate().filter(|(i, _)| bits & 1 << i != 0) {
                out.raw(gap);
                out.raw(event);
                gap = ",";
            }
        }
        if zone.id != 0 || zone.from_mark {
            out.word(dashes);
            out.raw(match zone.dirs {
                1 => "zone-orig",
                2 => "zone-reply",
                _ => "zone",
            });
            if zone.from_mark {
                out.word("mark");
            } else {
                out.value(zone.id);
            }
        }
    }
}

/// The protocols that the kernel's own helpers are for. Others may come from user space, for any protocol.
const HELPERS: [(&str, &[u8]); 13] = [
    ("amanda", &[17]),
    ("ftp", &[6]),
    ("H.245", &[6]),
    ("irc", &[6]),
    ("netbios-ns", &[17]),
    ("pptp", &[6]),
    ("Q.931", &[6]),
    ("RAS", &[17]),
    ("sane", &[6]),
    ("sip", &[6, 17]),
    ("snmp", &[17]),
    ("snmp_trap", &[17]),
    ("tftp", &[17]),
];

impl Ext for Ct {
    const NAME: &'static str = "CT";
    const ABOUT: &'static str = "Says how the packet shall be tracked: not at all, in a zone, with a helper.";
    const TABLES: &'static [TableName] = &[TableName::Raw];

    fn check(&mut self, _: u32, _: &Reading<'_>) -> Result<(), String> {
        self.zone.settle();
        Ok(())
    }

    fn tracks(&self) -> bool {
        // Kernel: `xt_ct_tg_check` asks for tracking only once it knows that this is not the end of it.
        !self.notrack
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self { notrack, helper, timeout, events: _, exp_events: _, zone: _ } = self;
        if *notrack {
            return Ok(());
        }
        let Inv { is: proto, not } = at.head.proto;
        if let Some(helper) = helper {
            let known = HELPERS.iter().find(|(name, _)| name == helper);
            if proto == Proto::ANY || not || known.is_some_and(|(_, protos)| !protos.contains(&proto.0)) {
                let why = format!("the helper `{helper}' needs the protocol it is for as `-p'");
                return Err(Refused { errno: "No such file or directory", why });
            }
        }
        if timeout.is_some() && (proto == Proto::ANY || not) {
            return Err(Refused::invalid("a timeout policy needs a protocol as `-p', without `!'"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        self.print("--", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.word("CT");
        self.print("", out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { notrack, helper, timeout, events, exp_events, zone } = self;
        let only =
            helper.is_none() && timeout.is_none() && *events == 0 && *exp_events == 0 && *zone == Zone::default();
        if !*notrack || !only {
            return nft.no(
                "nft attaches no template to a packet: zones, helpers, events and timeouts are set otherwise there",
            );
        }
        nft.word("notrack");
        Some(())
    }
}

/// Kernel: `xt_ct_target`: a packet that has a connection or a template already keeps it.
fn settled(at: &At<'_>) -> bool {
    let meta = &at.packet.meta;
    at.conn.is_some() || meta.untracked || meta.answers_untracked || meta.template.is_some()
}

fn no_track() -> Act {
    Act::Native(NativeAct::new("do not track", Effect::Stable, |at| {
        if !settled(at) {
            at.packet.meta.untracked = true;
            at.packet.key.ct = ct::UNTRACKED;
        }
        Ok(Verdict::Continue)
    }))
}

impl Acting for Ct {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { notrack, helper, timeout, events, exp_events, zone } = self;
        if *notrack {
            return no_track();
        }
        // Where the mark gives the number, any but 0 says for which directions.
        let id = if zone.from_mark { 1 } else { zone.id };
        let template = crate::ir::Template {
            zone_orig: if zone.dirs == 2 { 0 } else { id },
            zone_reply: if zone.dirs == 1 { 0 } else { id },
            zone_from_mark: zone.from_mark,
            helper: helper.clone(),
            timeout: timeout.clone(),
            events: (*events != 0 || *exp_events != 0).then_some(((*events).into(), (*exp_events).into())),
        };
        Act::Native(NativeAct::new("tracking template", Effect::Stable, move |at| {
            if !settled(at) {
                at.packet.meta.template = Some(template.clone());
                // Rules see the template as the connection, a new one, until tracking takes it.
                at.packet.key.ct = ct::NEW;
            }
            Ok(Verdict::Continue)
        }))
    }
}

/// The older name for `-j CT --notrack`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notrack;

impl crate::syntax::Options for Notrack {
    const OPTIONS: &'static [crate::syntax::Opt] = &[];
    fn set(&mut self, _: usize, _: &[&str], _: bool, _: &Reading<'_>) -> Result<(), String> {
        Ok(())
    }
}

impl Ext for Notrack {
    const NAME: &'static str = "NOTRACK";
    const LISTED: &'static str = "CT";
    const ABOUT: &'static str = "Keeps the packet out of connection tracking.";
    const TABLES: &'static [TableName] = &[TableName::Raw];

    fn save(&self, _: &mut Out, _: Family) {}

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.word("NOTRACK");
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self = self;
        nft.word("notrack");
        Some(())
    }
}

impl Acting for Notrack {
    fn act(&self, _: &Lowering<'_>) -> Act {
        no_track()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Raw;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        for (typed, printed, listed) in [
            ("-j CT", "-j CT", "CT"),
            ("-j CT --notrack", "-j CT --notrack", "CT notrack"),
            ("-j NOTRACK", "-j NOTRACK", "NOTRACK"),
            ("-p tcp -j CT --helper ftp", "-p tcp -j CT --helper ftp", "CT helper ftp"),
            (
                "-j CT --zone 5 --expevents new --ctevents secmark,new",
                "-j CT --ctevents new,secmark --expevents new --zone 5",
                "CT ctevents new,secmark expevents new zone 5",
            ),
            ("-j CT --zone 0", "-j CT", "CT"),
            ("-j CT --zone-orig mark", "-j CT --zone-orig mark", "CT zone-orig mark"),
            ("-j CT --zone-orig 5 --zone-reply 6", "-j CT --zone 6", "CT zone 6"),
            ("-j CT --zone-reply 5", "-j CT --zone-reply 5", "CT zone-reply 5"),
        ] {
            check(V4, Raw, typed, printed, listed);
        }
        for typed in
            ["-j CT --ctevents all", "-j CT --ctevents \"\"", "-j CT --expevents new,destroy", "-j CT --zone 65536"]
        {
            refused(V4, Raw, typed);
        }
    }
}
