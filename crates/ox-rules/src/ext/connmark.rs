//! `-m connmark` and `-j CONNMARK`: the mark of the connection, and its way to and from the packet's.
//!
//! Kernel: net/netfilter/xt_connmark.c; ABI: uapi/linux/netfilter/xt_connmark.h (target revision 2 with shifts).
use super::prelude::*;
use ox_wire::xtables::conn::{XtConnmarkMtinfo1, XtConnmarkTginfo1, XtConnmarkTginfo2};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnMark {
    mark: Inv<Masked>,
}

options! { ConnMark;
    /// The connection's mark, looked at through the mask if one is given.
    MARK ["mark"] Inv<Masked>, .needed() => |m, v| m.mark = v;
}

impl Ext for ConnMark {
    const NAME: &'static str = "connmark";
    const ABOUT: &'static str = "Compares the connection's mark; never matches where there is no connection.";
    const TRACKING: bool = true;

    fn save(&self, out: &mut Out, _: Family) {
        let Self { mark } = *self;
        out.opt(mark.not, "--mark", mark.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { mark } = *self;
        // Stock leaves two blanks where the `!` would be.
        out.word(if mark.not { "connmark match ! " } else { "connmark match  " });
        mark.is.print(out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { mark } = *self;
        super::mark::translate_mark("ct mark", mark, nft)
    }
}

impl Matching for ConnMark {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { mark } = *self;
        Native::new("connection mark", Effect::Stable, move |at| {
            // Without a connection there is no match, `!` or not. What `-j CT` attached is one, without a mark.
            let found = at.conn.as_ref().map(|c| c.mark).or(at.packet.meta.template.as_ref().map(|_| 0));
            Ok(found.is_some_and(|found| (found & mark.is.mask == mark.is.value) != mark.not))
        })
        .into()
    }
}

/// The target.
#[derive(Clone, Debug, PartialEq)]
pub struct SetConnMark {
    mode: Mode,
    /// Value to flip in, after clearing `ctmask` (mode set).
    ctmark: u32,
    ctmask: u32,
    nfmask: u32,
    shift: Shift,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Set,
    Save,
    Restore,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Shift {
    right: bool,
    bits: u8,
}

impl Default for SetConnMark {
    fn default() -> Self {
        Self { mode: Mode::Set, ctmark: 0, ctmask: u32::MAX, nfmask: u32::MAX, shift: Shift::default() }
    }
}

options! { SetConnMark;
    /// Clear the bits of the mask in the connection's mark, then flip those of the value.
    XMARK ["set-xmark"] Masked, .excl(Self::ANY) => |m, v| m.set(v.value, v.mask);
    /// Clear the bits of the mask in the connection's mark, then set those of the value.
    MARK ["set-mark"] Masked, .excl(Self::ANY) => |m, v| m.set(v.value, v.value | v.mask);
    /// Keep only these bits.
    AND ["and-mark"] u32, .excl(Self::ANY) => |m, v| m.set(0, !v);
    /// Set these bits.
    OR ["or-mark"] u32, .excl(Self::ANY) => |m, v| m.set(v, v);
    /// Flip these bits.
    XOR ["xor-mark"] u32, .excl(Self::ANY) => |m, v| m.set(v, 0);
    /// Copy the packet's mark to the connection.
    SAVE ["save-mark"] Flag, .excl(Self::ANY) => |m, _v| m.mode = Mode::Save;
    /// Copy the connection's mark to the packet.
    RESTORE ["restore-mark"] Flag, .excl(Self::ANY) => |m, _v| m.mode = Mode::Restore;
    /// Bits of the packet's mark that take part (saving), or are cleared first (restoring).
    NFMASK ["nfmask"] u32, .excl(Self::MASK) => |m, v| m.nfmask = v;
    /// Bits of the connection's mark that are cleared first (saving), or take part (restoring).
    CTMASK ["ctmask"] u32, .excl(Self::MASK) => |m, v| m.ctmask = v;
    /// Both masks at once.
    MASK ["mask"] u32, .excl(Self::NFMASK | Self::CTMASK) => |m, v| { m.nfmask = v; m.ctmask = v };
    /// Shift the mark left by so many bits on its way.
    LEFT ["left-shift-mark"] ShiftBits => |m, v| m.shift = Shift { right: false, bits: v.0 };
    /// Shift the mark right by so many bits on its way.
    RIGHT ["right-shift-mark"] ShiftBits => |m, v| m.shift = Shift { right: v.0 != 0, bits: v.0 };
}

struct ShiftBits(u8);

impl Value for ShiftBits {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "BITS";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], 32) {
            Some(n) => Ok(Self(n as u8)),
            None => Err(format!("`{}' is not a number of bits from 0 to 32", args[0])),
        }
    }
}

impl SetConnMark {
    const ANY: u32 = Self::XMARK | Self::MARK | Self::AND | Self::OR | Self::XOR | Self::SAVE | Self::RESTORE;

    fn set(&mut self, ctmark: u32, ctmask: u32) {
        self.mode = Mode::Set;
        self.ctmark = ctmark;
        self.ctmask = ctmask;
    }
}

impl Ext for SetConnMark {
    const NAME: &'static str = "CONNMARK";
    const ABOUT: &'static str = "Sets the connection's mark, or copies it from or to the packet's, and goes on.";
    const TRACKING: bool = true;

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen & Self::ANY == 0 {
            return Err("say what to do: --set-xmark, --set-mark, --and-mark, --or-mark, --xor-mark, --save-mark or \
                 --restore-mark"
                .into());
        }
        if self.mode == Mode::Set {
            // It has no meaning there.
            self.nfmask = u32::MAX;
        }
        Ok(())
    }

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        if self.shift.bits >= 32 {
            return Err(Refused::invalid("CONNMARK shifts a mark of 32 bits by 31 at most"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { mode, ctmark, ctmask, nfmask, shift } = *self;
        match mode {
            Mode::Set => out.opt(false, "--set-xmark", format_args!("{ctmark:#x}/{ctmask:#x}")),
            Mode::Save | Mode::Restore => {
                out.word(if mode == Mode::Save { "--save-mark" } else { "--restore-mark" });
                out.opt(false, "--nfmask", format_args!("{nfmask:#x}"));
                out.opt(false, "--ctmask", format_args!("{ctmask:#x}"));
            }
        }
        if shift.bits != 0 {
            out.opt(false, if shift.right { "--right-shift-mark" } else { "--left-shift-mark" }, shift.bits);
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { mode, ctmark, ctmask, nfmask, shift } = *self;
        out.word("CONNMARK");
        match mode {
            Mode::Set => match (ctmark, ctmask) {
                (0, mask) => out.opt(false, "and", format_args!("{:#x}", !mask)),
                (value, mask) if value == mask => out.opt(false, "or", format_args!("{value:#x}")),
                (value, 0) => out.opt(false, "xor", format_args!("{value:#x}")),
                (value, u32::MAX) => out.opt(false, "set", format_args!("{value:#x}")),
                (value, mask) => out.opt(false, "xset", format_args!("{value:#x}/{mask:#x}")),
            },
            Mode::Save | Mode::Restore => {
                out.word(if mode == Mode::Save { "save" } else { "restore" });
                if nfmask != ctmask {
                    match mode {
                        Mode::Save => out.fmt(format_args!(" nfmask {nfmask:#x} ctmask ~{ctmask:#x}")),
                        _ => out.fmt(format_args!(" ctmask {ctmask:#x} nfmask ~{nfmask:#x}")),
                    }
                } else if nfmask != u32::MAX {
                    out.fmt(format_args!(" mask {nfmask:#x}"));
                }
            }
        }
        if shift.bits != 0 {
            out.opt(false, if shift.right { "right-shift-mark" } else { "left-shift-mark" }, shift.bits);
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { mode, ctmark, ctmask, nfmask, shift } = *self;
        if shift.bits >= 32 {
            return nft.no("CONNMARK shifts a mark of 32 bits by 31 at most");
        }
        // What is copied takes the place of the whole mark: nft cannot put two marks together.
        let (key, from) = match mode {
            Mode::Set => ("ct mark", super::mark::changed("ct mark", ctmark, ctmask)),
            Mode::Save if ctmask == u32::MAX => ("ct mark", masked("mark", nfmask)),
            Mode::Restore if nfmask == u32::MAX => ("meta mark", masked("ct mark", ctmask)),
            Mode::Save => {
                return nft.no("nft cannot keep bits of the connection's mark while others are copied into it");
            }
            Mode::Restore => {
                return nft.no("nft cannot keep bits of the packet's mark while others are copied into it");
            }
        };
        nft.say(format_args!("{key} set"));
        match (mode, shift) {
            (_, Shift { bits: 0, .. }) => nft.word(&from),
            // nft computes with what it loads, not with two numbers.
            (Mode::Set, shift) if ctmask == u32::MAX => nft.say(format_args!("{:#x}", shift.apply(ctmark))),
            (_, Shift { right, bits }) => {
                nft.say(format_args!("( {from} ) {} {bits}", if right { ">>" } else { "<<" }))
            }
        }
        Some(())
    }
}

fn masked(key: &str, mask: u32) -> String {
    if mask == u32::MAX { key.to_owned() } else { format!("{key} and {mask:#x}") }
}

impl Shift {
    /// `bits` is below 32: the kernel refuses more, and what slips through loses all bits.
    fn apply(self, mark: u32) -> u32 {
        let shifted = if self.right { mark.checked_shr(self.bits.into()) } else { mark.checked_shl(self.bits.into()) };
        shifted.unwrap_or(0)
    }
}

impl Acting for SetConnMark {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { mode, ctmark, ctmask, nfmask, shift } = *self;
        Act::Native(NativeAct::new("CONNMARK", Effect::Mutates, move |at| {
            let Some(conn) = at.conn.as_deref_mut() else { return Ok(Verdict::Continue) };
            let packet = &mut at.packet.key.mark;
            match mode {
                Mode::Set => conn.mark = shift.apply((conn.mark & !ctmask) ^ ctmark),
                Mode::Save => conn.mark = (conn.mark & !ctmask) ^ shift.apply(*packet & nfmask),
                Mode::Restore => *packet = (*packet & !nfmask) ^ shift.apply(conn.mark & ctmask),
            }
            Ok(Verdict::Continue)
        }))
    }
}

impl Xt<1> for ConnMark {
    type Info = XtConnmarkMtinfo1;

    fn encode(&self, _: &Carry<'_>) -> Option<XtConnmarkMtinfo1> {
        let Self { mark } = *self;
        let Masked { value, mask } = mark.is;
        Some(XtConnmarkMtinfo1 { mark: value, mask, invert: mark.not.into(), ..Default::default() })
    }

    fn decode(info: &XtConnmarkMtinfo1, _: &Carry<'_>) -> Option<Self> {
        let XtConnmarkMtinfo1 { mark, mask, invert, _pad } = *info;
        Some(Self { mark: Inv { is: Masked { value: mark, mask }, not: invert != 0 } })
    }
}

/// In the order of their numbers.
const MODES: [Mode; 3] = [Mode::Set, Mode::Save, Mode::Restore];

impl Xt<2> for SetConnMark {
    type Info = XtConnmarkTginfo2;

    fn encode(&self, _: &Carry<'_>) -> Option<XtConnmarkTginfo2> {
        let Self { mode, ctmark, ctmask, nfmask, shift } = *self;
        Some(XtConnmarkTginfo2 {
            ctmark,
            ctmask,
            nfmask,
            shift_dir: shift.right.into(),
            shift_bits: shift.bits,
            mode: MODES.iter().position(|&m| m == mode)? as u8,
            ..Default::default()
        })
    }

    fn decode(info: &XtConnmarkTginfo2, _: &Carry<'_>) -> Option<Self> {
        let XtConnmarkTginfo2 { ctmark, ctmask, nfmask, shift_dir, shift_bits, mode, _pad } = *info;
        let shift = Shift { right: shift_dir == 1, bits: shift_bits };
        let mode = *MODES.get(usize::from(mode))?;
        let nfmask = if mode == Mode::Set { u32::MAX } else { nfmask };
        Some(Self { mode, ctmark, ctmask, nfmask, shift })
    }

    fn settle(info: &mut XtConnmarkTginfo2, _: &Carry<'_>) {
        if info.mode == 0 {
            info.nfmask = u32::MAX;
        }
    }
}

/// It cannot shift.
impl Xt<1> for SetConnMark {
    type Info = XtConnmarkTginfo1;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtConnmarkTginfo1> {
        let XtConnmarkTginfo2 { ctmark, ctmask, nfmask, shift_dir: _, shift_bits, mode, _pad } =
            <Self as Xt<2>>::encode(self, cx)?;
        (shift_bits == 0).then(|| XtConnmarkTginfo1 { ctmark, ctmask, nfmask, mode, ..Default::default() })
    }

    fn decode(info: &XtConnmarkTginfo1, cx: &Carry<'_>) -> Option<Self> {
        let XtConnmarkTginfo1 { ctmark, ctmask, nfmask, mode, _pad } = *info;
        <Self as Xt<2>>::decode(&XtConnmarkTginfo2 { ctmark, ctmask, nfmask, mode, ..Default::default() }, cx)
    }

    fn settle(info: &mut XtConnmarkTginfo1, _: &Carry<'_>) {
        if info.mode == 0 {
            info.nfmask = u32::MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    #[test]
    fn text() {
        for (typed, printed, listed) in [
            ("-m connmark ! --mark 99", "-m connmark ! --mark 0x63", "connmark match ! 0x63"),
            ("-m connmark --mark 1/0xf", "-m connmark --mark 0x1/0xf", "connmark match  0x1/0xf"),
            ("-j CONNMARK --set-mark 1/2", "-j CONNMARK --set-xmark 0x1/0x3", "CONNMARK xset 0x1/0x3"),
            ("-j CONNMARK --and-mark 0xff", "-j CONNMARK --set-xmark 0x0/0xffffff00", "CONNMARK and 0xff"),
            ("-j CONNMARK --set-mark 1 --mask 1", "-j CONNMARK --set-xmark 0x1/0x1", "CONNMARK or 0x1"),
            (
                "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf",
                "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf",
                "CONNMARK save nfmask 0xff ctmask ~0xf",
            ),
            (
                "-j CONNMARK --restore-mark --left-shift-mark 1 --right-shift-mark 4",
                "-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 4",
                "CONNMARK restore right-shift-mark 4",
            ),
        ] {
            check(Family::V4, TableName::Mangle, typed, printed, listed);
        }
        for line in [
            "-m connmark",
            "-j CONNMARK --mask 1",
            "-j CONNMARK --save-mark --restore-mark",
            "-j CONNMARK --set-mark 1 --left-shift-mark 33",
        ] {
            refused(Family::V4, TableName::Mangle, line);
        }
    }

    /// Bits outside the masks stay; shifts apply to what travels, and to the whole mark when it is set.
    #[test]
    fn marks_travel() {
        for (line, packet_mark, conn_mark) in [
            ("-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf0", 0x1234, 0xab34 ^ 0xab00 ^ 0xab0f),
            (
                "-j CONNMARK --restore-mark --nfmask 0xff00 --ctmask 0xff --left-shift-mark 8",
                0x1234 & 0xff | 0x0f00,
                0xab0f,
            ),
            ("-j CONNMARK --set-xmark 0xf000/0xff --right-shift-mark 4", 0x1234, 0x5b0),
        ] {
            let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
            packet.key.mark = 0x1234;
            let mut conn = Conn { mark: 0xab0f, ..Conn::default() };
            let mut trial = Trial::of(line);
            assert_eq!(trial.run(&mut packet, Some(&mut conn)), Ok(Verdict::Continue));
            assert_eq!((packet.key.mark, conn.mark), (packet_mark, conn_mark), "{line}");
        }
    }

    #[test]
    fn no_connection_never_matches() {
        let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
        assert_eq!(Trial::of("-m connmark ! --mark 5").takes(&mut packet), Ok(false));
        let mut conn = Conn { mark: 4, ..Conn::default() };
        assert_eq!(Trial::of("-m connmark ! --mark 5").ask(0, &mut packet, Some(&mut conn)), Ok(true));
    }
}
