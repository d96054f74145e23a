//! `-m bpf`: a classic BPF program decides.
//!
//! Kernel: net/netfilter/xt_bpf.c; ABI: uapi/linux/netfilter/xt_bpf.h (revision 1; 64 instructions at most). What a program
//! does is in `ox_packet::bpf`.
use super::prelude::*;
use ox_packet::bpf::{self, Ancillary, Insn, Subject};
use ox_wire::xtables::whole::{SockFilter, XtBpfInfo, XtBpfInfoV1};
use std::mem::offset_of;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bpf {
    program: Program,
}

/// What runs.
#[derive(Clone, Debug, Default, PartialEq)]
enum Program {
    #[default]
    None,
    Code(Vec<Insn>),
    /// A path in the kernel's BPF file system.
    Pinned(String),
}

options! { Bpf;
    /// A program as `nfbpf_compile` and `tcpdump -ddd` write it: the number of instructions, then each one's four numbers.
    BYTECODE ["bytecode"] Code, .excl(Self::PINNED) => |b, v| b.program = Program::Code(v.0);
    /// Path of a program in the kernel's BPF file system.
    PINNED ["object-pinned"] Path, .excl(Self::BYTECODE) => |b, v| b.program = Program::Pinned(v.0);
}

/// Most instructions (`XT_BPF_MAX_NUM_INSTR`).
const MAX: usize = 64;
/// Bytes of a path, the final zero not counted (`XT_BPF_PATH_MAX` - 1).
const PATH_MAX: usize = 511;

struct Code(Vec<Insn>);

impl Value for Code {
    const HINT: &'static str = "N,CODE JT JF K,…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        let (count, rest) =
            text.split_once(',').ok_or("a program begins with the number of its instructions and a comma")?;
        let count: usize =
            count.trim_start().parse().map_err(|_| format!("`{count}' is not a number of instructions"))?;
        if count == 0 || count > MAX {
            return Err(format!("a program has 1 to {MAX} instructions, not {count}"));
        }
        let list = rest.strip_suffix(',').unwrap_or(rest);
        let program: Vec<Insn> = list.split(',').map(instruction).collect::<Result<_, _>>()?;
        if program.len() != count {
            return Err(format!("the program says that it has {count} instructions and has {}", program.len()));
        }
        Ok(Code(program))
    }
}

fn instruction(text: &str) -> Result<Insn, String> {
    let mut words = text.split_ascii_whitespace();
    let mut next = || words.next().and_then(|w| w.parse::<i64>().ok());
    let four = (next(), next(), next(), next());
    if let (Some(code), Some(jt), Some(jf), Some(k)) = four
        && words.next().is_none()
        && let (Ok(code), Ok(jt), Ok(jf)) = (code.try_into(), jt.try_into(), jf.try_into())
        // The number may be written with a sign.
        && let Some(k) = u32::try_from(k).ok().or_else(|| i32::try_from(k).ok().map(|k| k as u32))
    {
        return Ok(Insn { code, jt, jf, k });
    }
    Err(format!("`{text}' is not an instruction: four numbers are expected, like `21 0 1 6'"))
}

struct Path(String);

impl Value for Path {
    const HINT: &'static str = "PATH";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            path if path.is_empty() || crate::bytes::len(path) > PATH_MAX => {
                Err(format!("a path has 1 to {PATH_MAX} bytes"))
            }
            path if path.contains('\n') => Err("a path cannot hold a line break".into()),
            path => Ok(Path(path.to_owned())),
        }
    }
}

fn print(program: &[Insn], out: &mut Out) {
    for (i, Insn { code, jt, jf, k }) in program.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        out.fmt(format_args!("{comma}{code} {jt} {jf} {k}"));
    }
}

impl Ext for Bpf {
    const NAME: &'static str = "bpf";
    const ABOUT: &'static str = "Runs a BPF program on the packet, from its IP header on.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say which program: --bytecode or --object-pinned".into()) } else { Ok(()) }
    }

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        let Program::Code(program) = &self.program else { return Ok(()) };
        bpf::check(program)
            .map_err(|(at, what)| Refused::invalid(format!("bpf: instruction {} of the program: {what}", at + 1)))
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { program } = self;
        match program {
            Program::None => {}
            Program::Code(code) => {
                out.word("--bytecode");
                out.fmt(format_args!(" \"{},", code.len()));
                print(code, out);
                out.raw("\"");
            }
            Program::Pinned(path) => {
                out.word("--object-pinned");
                out.guarded(path);
            }
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { program } = self;
        out.word("match bpf ");
        match program {
            Program::None => {}
            Program::Code(code) => print(code, out),
            Program::Pinned(path) => {
                out.raw("pinned ");
                out.raw(path);
            }
        }
    }
}

impl Matching for Bpf {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { program } = self;
        let code = match program {
            Program::None => return Pred::Is(false),
            Program::Pinned(_) => return Native::unknown("BPF program", "what the pinned BPF program does").into(),
            Program::Code(code) => code.clone(),
        };
        let effect = if bpf::asks(&code, Ancillary::Random) { Effect::Fresh } else { Effect::Stable };
        Native::new("BPF program", effect, move |at| Ok(bpf::run(&code, &mut AtHook(at))? != 0)).into()
    }
}

/// The packet as a program sees it from a rule.
struct AtHook<'a, 'b>(&'a mut At<'b>);

impl Subject for AtHook<'_, '_> {
    type Error = Stop;

    fn bytes(&self) -> &[u8] {
        let packet = &*self.0.packet;
        packet.bytes.get(..packet.layout.end).unwrap_or(&packet.bytes)
    }

    /// A packet of this host has no link layer's header yet; one from a device without has it where the IP header is.
    fn link(&self, offset: usize, len: usize) -> Option<u32> {
        let packet = &*self.0.packet;
        let Some(link) = packet.meta.link else {
            let bytes = if packet.meta.local { &[] } else { self.bytes() };
            return bpf::big_endian(bytes.get(offset..)?.get(..len)?);
        };
        let kind = ethertype(packet.layout.family).to_be_bytes();
        let header = link.dst.into_iter().chain(link.src).chain(kind);
        let all = header.chain(self.bytes().iter().copied());
        let bytes: Vec<u8> = all.skip(offset).take(len).collect();
        (bytes.len() == len).then(|| bpf::big_endian(&bytes)).flatten()
    }

    fn ancillary(&mut self, what: Ancillary) -> Result<u32, Stop> {
        let key = &self.0.packet.key;
        match what {
            Ancillary::Protocol => Ok(ethertype(self.0.packet.layout.family).into()),
            Ancillary::PktType => Ok(key.pkttype.into()),
            Ancillary::Mark => Ok(key.mark),
            Ancillary::Random => Ok(self.0.env.random()),
            // A tag was taken off before the packet came here.
            Ancillary::VlanTag | Ancillary::VlanTagPresent | Ancillary::VlanTpid => Ok(0),
            Ancillary::IfIndex => Err(Stop::Unknown("the numbers of interfaces")),
            Ancillary::HaType => Err(Stop::Unknown("the kinds of interfaces")),
            Ancillary::Cpu => Err(Stop::Unknown("which processor handles the packet")),
            Ancillary::Queue | Ancillary::RxHash => Err(Stop::Unknown("what the network device says of the packet")),
            Ancillary::Nlattr | Ancillary::NlattrNest | Ancillary::PayOffset => {
                Err(Stop::Unknown("where a BPF program finds the payload"))
            }
        }
    }
}

const fn ethertype(family: Family) -> u16 {
    match family {
        Family::V4 => 0x0800,
        Family::V6 => 0x86dd,
    }
}

/// `enum xt_bpf_modes`
const BYTECODE: u16 = 0;
const PINNED: u16 = 1;

impl Xt<1> for Bpf {
    type Info = XtBpfInfoV1;
    const COMPARE: usize = offset_of!(XtBpfInfoV1, filter);

    fn encode(&self, _: &Carry<'_>) -> Option<XtBpfInfoV1> {
        let Self { program } = self;
        match program {
            Program::None => None,
            Program::Code(code) => {
                let mut info = XtBpfInfoV1 { mode: BYTECODE, ..Default::default() };
                info.bpf_program_num_elem = u16::try_from(code.len()).ok()?;
                let slots = info.bpf_program.get_mut(..code.len())?;
                for (slot, &Insn { code, jt, jf, k }) in slots.iter_mut().zip(code) {
                    *slot = SockFilter { code, jt, jf, k };
                }
                Some(info)
            }
            Program::Pinned(path) => {
                let path: [u8; PATH_MAX + 1] = chars(path)?;
                Some(XtBpfInfoV1 { mode: PINNED, bpf_program: zerocopy::transmute!(path), ..Default::default() })
            }
        }
    }

    fn decode(info: &XtBpfInfoV1, _: &Carry<'_>) -> Option<Self> {
        let XtBpfInfoV1 { mode, bpf_program_num_elem, fd: _, bpf_program, filter: _ } = *info;
        let program = match mode {
            BYTECODE => {
                let code = bpf_program.get(..usize::from(bpf_program_num_elem))?.iter();
                Program::Code(code.map(|&SockFilter { code, jt, jf, k }| Insn { code, jt, jf, k }).collect())
            }
            PINNED => {
                let path: [u8; PATH_MAX + 1] = zerocopy::transmute!(bpf_program);
                Program::Pinned(text(&path)?.into_owned())
            }
            _ => return None,
        };
        Some(Self { program })
    }
}

/// Bytecode alone.
impl Xt<0> for Bpf {
    type Info = XtBpfInfo;
    const COMPARE: usize = offset_of!(XtBpfInfo, filter);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtBpfInfo> {
        let XtBpfInfoV1 { mode, bpf_program_num_elem, fd: _, bpf_program, filter: _ } =
            <Self as Xt<1>>::encode(self, cx)?;
        (mode == BYTECODE).then(|| XtBpfInfo { bpf_program_num_elem, bpf_program, ..Default::default() })
    }

    fn decode(info: &XtBpfInfo, cx: &Carry<'_>) -> Option<Self> {
        let XtBpfInfo { bpf_program_num_elem, _gap, bpf_program, _pad, filter: _ } = *info;
        <Self as Xt<1>>::decode(&XtBpfInfoV1 { bpf_program_num_elem, bpf_program, ..Default::default() }, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;
    use crate::ir::Link;

    const TCP: &str = "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0";

    #[test]
    fn text() {
        let four = |typed: &str, printed: &str, listed: &str| {
            check(Family::V4, TableName::Filter, &format!("-m bpf {typed}"), &format!("-m bpf {printed}"), listed);
        };
        let listed = "match bpf 48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0";
        four(&format!("--bytecode \"{TCP},\""), &format!("--bytecode \"{TCP}\""), listed);
        four("--byte \" 1, 6 0  0 -1\"", "--bytecode \"1,6 0 0 4294967295\"", "match bpf 6 0 0 4294967295");
        four("--object-pinned /sys/fs/bpf/x", "--object-pinned /sys/fs/bpf/x", "match bpf pinned /sys/fs/bpf/x");
        for line in [
            "",
            "--bytecode 1",
            "--bytecode \"0,\"",
            "--bytecode \"2,6 0 0 1\"",
            "--bytecode \"1,6 0 0 1,6 0 0 1\"",
            "--bytecode \"1,6 0 0\"",
            "--bytecode \"1,6 256 0 0\"",
            "--bytecode \"1,6 0 0 4294967296\"",
            "--bytecode \"65,6 0 0 1\"",
            "--bytecode \"1,6 0 0 1\" --object-pinned x",
            "--object-pinned \"\"",
        ] {
            refused(Family::V4, TableName::Filter, &format!("-m bpf {line}"));
        }
    }

    fn asked(code: &str, packet: &mut crate::ir::Packet) -> Result<bool, Stop> {
        Trial::of(&format!("-m bpf --bytecode \"{code}\"")).takes(packet)
    }

    #[test]
    fn programs_see_the_packet_and_what_is_beside_it() {
        let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
        packet.key.mark = 7;
        let mut takes = |code: &str| asked(code, &mut packet);
        assert_eq!(takes(TCP), Ok(false));
        assert_eq!(takes("4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0"), Ok(true));
        // Length 128, mark 7, protocol 0x0800.
        assert_eq!(takes("4,128 0 0 0,21 0 1 128,6 0 0 1,6 0 0 0"), Ok(true));
        assert_eq!(takes("4,32 0 0 4294963220,21 0 1 7,6 0 0 1,6 0 0 0"), Ok(true));
        assert_eq!(takes("4,40 0 0 4294963200,21 0 1 2048,6 0 0 1,6 0 0 0"), Ok(true));
        // Beyond the end.
        assert_eq!(takes("2,48 0 0 128,6 0 0 1"), Ok(false));
        assert!(matches!(takes("2,32 0 0 4294963208,22 0 0 0"), Err(Stop::Unknown(_))));
    }

    #[test]
    fn the_link_layer_is_there_if_the_device_has_one() {
        let ethertype = "4,40 0 0 4292870156,21 0 1 2048,6 0 0 1,6 0 0 0";
        let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
        assert_eq!(asked(ethertype, &mut packet), Ok(false));
        packet.meta.link = Some(Link { dst: [1; 6], src: [2; 6] });
        assert_eq!(asked(ethertype, &mut packet), Ok(true));
        // The IP header's first byte follows it.
        assert_eq!(asked("4,48 0 0 4292870158,21 0 1 69,6 0 0 1,6 0 0 0", &mut packet), Ok(true));
    }
}
