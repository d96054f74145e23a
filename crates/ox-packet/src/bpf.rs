//! Classic BPF: programs as `tcpdump -ddd` writes them, checked and run as the kernel does.
//!
//! Kernel: net/core/filter.c `bpf_check_classic`, `check_load_and_stores`, `bpf_convert_filter`;
//! ABI: uapi/linux/bpf_common.h, uapi/linux/filter.h.

/// One instruction (`struct sock_filter`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Insn {
    /// What it does.
    pub code: u16,
    /// Instructions to skip if a test holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// Its number.
    pub k: u32,
}

/// What a program may ask besides bytes, by the offset of a load beyond [`ANCILLARY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in uapi/linux/filter.h")]
pub enum Ancillary {
    Protocol,
    PktType,
    IfIndex,
    Nlattr,
    NlattrNest,
    Mark,
    Queue,
    HaType,
    RxHash,
    Cpu,
    VlanTag,
    VlanTagPresent,
    PayOffset,
    Random,
    VlanTpid,
}

/// Where ancillary data begin (`SKF_AD_OFF`).
pub const ANCILLARY: u32 = -0x1000_i32 as u32;
/// Where offsets from the network header begin (`SKF_NET_OFF`).
const NETWORK: u32 = -0x10_0000_i32 as u32;
/// Where offsets from the link layer's header begin (`SKF_LL_OFF`).
const LINK: u32 = -0x20_0000_i32 as u32;

/// `A ^= X`, which is written as a load (`SKF_AD_ALU_XOR_X`).
const XOR_X: u32 = ANCILLARY + 40;

/// Most instructions of a program (`BPF_MAXINSNS`).
pub const MAX: usize = 4096;
/// Words of scratch memory.
const WORDS: usize = 16;

/// What a program runs on.
pub trait Subject {
    /// Why a question has no answer.
    type Error;
    /// The packet, from where offset 0 is.
    fn bytes(&self) -> &[u8];
    /// Bytes at an offset from the link layer's header; `None` if they or the header are not there.
    fn link(&self, offset: usize, len: usize) -> Option<u32>;
    /// What is known besides.
    ///
    /// # Errors
    /// Nobody knows.
    fn ancillary(&mut self, what: Ancillary) -> Result<u32, Self::Error>;
}

/// The classes of instructions (`BPF_CLASS`).
mod class {
    pub(super) const LD: u16 = 0;
    pub(super) const LDX: u16 = 1;
    pub(super) const ST: u16 = 2;
    pub(super) const STX: u16 = 3;
    pub(super) const ALU: u16 = 4;
    pub(super) const JMP: u16 = 5;
    pub(super) const RET: u16 = 6;
    pub(super) const MISC: u16 = 7;
}

/// An arithmetic operation.
#[derive(Clone, Copy)]
enum Alu {
    Add,
    Sub,
    Mul,
    Div,
    Or,
    And,
    Lsh,
    Rsh,
    Mod,
    Xor,
}

/// A test of a jump.
#[derive(Clone, Copy)]
enum Cond {
    Eq,
    Gt,
    Ge,
    Set,
}

/// An instruction, understood.
#[derive(Clone, Copy)]
enum Does {
    /// `A = packet[k]`, so many bytes.
    Abs(usize),
    /// `A = packet[X + k]`
    Ind(usize),
    /// `A` or `X` (true) `= length`
    Len(bool),
    /// `= k`
    Imm(bool),
    /// `= M[k]`
    Mem(bool),
    /// `X = 4 * (packet[k] & 0xf)`
    Msh,
    /// `M[k] = A` or `X`
    Store(bool),
    /// `A = A op k` or `X`
    Alu(Alu, bool),
    Neg,
    Jump,
    /// `A ? k` or `X`
    If(Cond, bool),
    /// `return k` or `A`
    Return(bool),
    Tax,
    Txa,
}

impl Insn {
    /// `None`: there is no such instruction (Kernel: `chk_code_allowed`).
    fn does(self) -> Option<Does> {
        let code = self.code;
        if code > 0xff {
            return None;
        }
        let size = match code & 0x18 {
            0x00 => 4,
            0x08 => 2,
            _ => 1,
        };
        let x = code & 0x08 != 0;
        let high = code & 0xf0;
        Some(match code & 7 {
            class::LD => match code {
                0x20 | 0x28 | 0x30 => Does::Abs(size),
                0x40 | 0x48 | 0x50 => Does::Ind(size),
                0x80 => Does::Len(false),
                0x00 => Does::Imm(false),
                0x60 => Does::Mem(false),
                _ => return None,
            },
            class::LDX => match code {
                0x81 => Does::Len(true),
                0x01 => Does::Imm(true),
                0x61 => Does::Mem(true),
                0xb1 => Does::Msh,
                _ => return None,
            },
            class::ST if code == class::ST => Does::Store(false),
            class::STX if code == class::STX => Does::Store(true),
            class::ALU => {
                let op = match high {
                    0x00 => Alu::Add,
                    0x10 => Alu::Sub,
                    0x20 => Alu::Mul,
                    0x30 => Alu::Div,
                    0x40 => Alu::Or,
                    0x50 => Alu::And,
                    0x60 => Alu::Lsh,
                    0x70 => Alu::Rsh,
                    0x80 if !x => return Some(Does::Neg),
                    0x90 => Alu::Mod,
                    0xa0 => Alu::Xor,
                    _ => return None,
                };
                Does::Alu(op, x)
            }
            class::JMP => {
                let test = match high {
                    0x00 if !x => return Some(Does::Jump),
                    0x10 => Cond::Eq,
                    0x20 => Cond::Gt,
                    0x30 => Cond::Ge,
                    0x40 => Cond::Set,
                    _ => return None,
                };
                Does::If(test, x)
            }
            class::RET if code == 0x06 || code == 0x16 => Does::Return(code == 0x16),
            class::MISC if code == 0x07 => Does::Tax,
            class::MISC if code == 0x87 => Does::Txa,
            _ => return None,
        })
    }
}

impl Ancillary {
    /// By the offset beyond [`ANCILLARY`].
    fn of(k: u32) -> Option<Self> {
        use Ancillary::*;
        let all = [
            (0, Protocol),
            (4, PktType),
            (8, IfIndex),
            (12, Nlattr),
            (16, NlattrNest),
            (20, Mark),
            (24, Queue),
            (28, HaType),
            (32, RxHash),
            (36, Cpu),
            (44, VlanTag),
            (48, VlanTagPresent),
            (52, PayOffset),
            (56, Random),
            (60, VlanTpid),
        ];
        let offset = k.checked_sub(ANCILLARY)?;
        all.into_iter().find(|&(at, _)| at == offset).map(|(_, what)| what)
    }
}

/// Whether the kernel takes a program.
///
/// # Errors
/// The number of the instruction at fault, from 0, and what is wrong with it.
pub fn check(program: &[Insn]) -> Result<(), (usize, &'static str)> {
    if program.is_empty() || program.len() > MAX {
        return Err((0, "a program has 1 to 4096 instructions"));
    }
    let len = program.len() as u64;
    // Which words of memory were written on every way to an instruction.
    let mut written = vec![u16::MAX; program.len()];
    let mut now = 0u16;
    for (pc, insn) in program.iter().enumerate() {
        let wrong = |what| Err((pc, what));
        let does = insn.does().ok_or((pc, "there is no such instruction"))?;
        now &= written[pc];
        let mut arrive = |skip: u64| {
            let to = pc as u64 + 1 + skip;
            if to >= len {
                return Err((pc, "it jumps beyond the end"));
            }
            written[to as usize] &= now;
            Ok(())
        };
        match does {
            Does::Alu(Alu::Div | Alu::Mod, false) if insn.k == 0 => return wrong("it divides by zero"),
            Does::Alu(Alu::Lsh | Alu::Rsh, false) if insn.k >= 32 => return wrong("it shifts by more than 31 bits"),
            Does::Mem(_) | Does::Store(_) if insn.k as usize >= WORDS => return wrong("memory has 16 words"),
            Does::Mem(_) if now & (1 << insn.k) == 0 => return wrong("it reads memory that was not written"),
            Does::Store(_) => now |= 1 << insn.k,
            Does::Jump => {
                arrive(insn.k.into())?;
                now = u16::MAX;
            }
            Does::If(..) => {
                arrive(insn.jt.into())?;
                arrive(insn.jf.into())?;
                now = u16::MAX;
            }
            Does::Abs(_) if insn.k >= ANCILLARY && insn.k != XOR_X && Ancillary::of(insn.k).is_none() => {
                return wrong("there is nothing at this offset");
            }
            _ => {}
        }
    }
    match program.last().and_then(|i| i.does()) {
        Some(Does::Return(_)) => Ok(()),
        _ => Err((program.len() - 1, "the last instruction must return")),
    }
}

/// Whether running a program asks for what this one asks for.
pub fn asks(program: &[Insn], what: Ancillary) -> bool {
    program.iter().any(|i| matches!(i.does(), Some(Does::Abs(_))) && Ancillary::of(i.k) == Some(what))
}

/// Runs a checked program; what it returns. Loads beyond the packet end it with 0. So does what no check lets through.
///
/// # Errors
/// An ancillary question that nobody can answer.
pub fn run<S: Subject>(program: &[Insn], subject: &mut S) -> Result<u32, S::Error> {
    let (mut a, mut x, mut memory) = (0u32, 0u32, [0u32; WORDS]);
    let mut pc = 0;
    // Every jump goes forward, so this ends.
    while let Some(insn) = program.get(pc) {
        pc += 1;
        let k = insn.k;
        let Some(does) = insn.does() else { return Ok(0) };
        match does {
            Does::Abs(_) if k == XOR_X => a ^= x,
            Does::Abs(size) => {
                a = match Ancillary::of(k) {
                    Some(what) => subject.ancillary(what)?,
                    None => match load(subject, k, size) {
                        Some(value) => value,
                        None => return Ok(0),
                    },
                }
            }
            Does::Ind(size) => match load(subject, x.wrapping_add(k), size) {
                Some(value) => a = value,
                None => return Ok(0),
            },
            Does::Msh => match load(subject, k, 1) {
                Some(byte) => x = (byte & 0xf) * 4,
                None => return Ok(0),
            },
            Does::Len(into_x) => *pick(into_x, &mut a, &mut x) = subject.bytes().len() as u32,
            Does::Imm(into_x) => *pick(into_x, &mut a, &mut x) = k,
            Does::Mem(into_x) => {
                *pick(into_x, &mut a, &mut x) = memory.get(k as usize).copied().unwrap_or(0);
            }
            Does::Store(from_x) => {
                if let Some(word) = memory.get_mut(k as usize) {
                    *word = if from_x { x } else { a };
                }
            }
            Does::Alu(op, with_x) => match op.of(a, if with_x { x } else { k }) {
                Some(value) => a = value,
                None => return Ok(0),
            },
            Does::Neg => a = a.wrapping_neg(),
            Does::Jump => pc = pc.saturating_add(k as usize),
            Does::If(test, with_x) => {
                let skip = if test.holds(a, if with_x { x } else { k }) { insn.jt } else { insn.jf };
                pc += usize::from(skip);
            }
            Does::Return(of_a) => return Ok(if of_a { a } else { k }),
            Does::Tax => x = a,
            Does::Txa => a = x,
        }
    }
    Ok(0)
}

fn pick<'r>(second: bool, a: &'r mut u32, x: &'r mut u32) -> &'r mut u32 {
    if second { x } else { a }
}

/// Kernel: `bpf_internal_load_pointer_neg_helper`, for offsets with the highest bit set.
fn load<S: Subject>(subject: &S, offset: u32, size: usize) -> Option<u32> {
    let start = match offset {
        NETWORK.. => offset - NETWORK,
        LINK.. => return subject.link((offset - LINK) as usize, size),
        0x8000_0000.. => return None,
        _ => offset,
    };
    big_endian(subject.bytes().get(start as usize..)?.get(..size)?)
}

/// A number of up to four bytes.
pub fn big_endian(bytes: &[u8]) -> Option<u32> {
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |n, &b| n << 8 | u32::from(b)))
}

impl Alu {
    /// `None`: it divides by zero.
    fn of(self, a: u32, b: u32) -> Option<u32> {
        Some(match self {
            Alu::Add => a.wrapping_add(b),
            Alu::Sub => a.wrapping_sub(b),
            Alu::Mul => a.wrapping_mul(b),
            Alu::Div => a.checked_div(b)?,
            Alu::Mod => a.checked_rem(b)?,
            Alu::Or => a | b,
            Alu::And => a & b,
            Alu::Xor => a ^ b,
            Alu::Lsh => a.wrapping_shl(b),
            Alu::Rsh => a.wrapping_shr(b),
        })
    }
}

impl Cond {
    fn holds(self, a: u32, b: u32) -> bool {
        match self {
            Cond::Eq => a == b,
            Cond::Gt => a > b,
            Cond::Ge => a >= b,
            Cond::Set => a & b != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bytes(&'static [u8]);

    impl Subject for Bytes {
        type Error = ();
        fn bytes(&self) -> &[u8] {
            self.0
        }
        fn link(&self, offset: usize, len: usize) -> Option<u32> {
            big_endian([9u8; 14].get(offset..offset + len)?)
        }
        fn ancillary(&mut self, what: Ancillary) -> Result<u32, ()> {
            if what == Ancillary::Mark { Ok(77) } else { Err(()) }
        }
    }

    fn program(code: &[(u16, u8, u8, u32)]) -> Vec<Insn> {
        code.iter().map(|&(code, jt, jf, k)| Insn { code, jt, jf, k }).collect()
    }

    fn result(code: &[(u16, u8, u8, u32)]) -> Result<u32, ()> {
        let program = program(code);
        assert_eq!(check(&program), Ok(()), "{code:?}");
        run(&program, &mut Bytes(&[0x45, 1, 2, 3, 4, 5, 6, 7]))
    }

    #[test]
    fn instructions_do_what_they_say() {
        let ret_a = (0x16, 0, 0, 0);
        for (code, value) in [
            (vec![(0x06, 0, 0, 5)], 5),
            (vec![(0x20, 0, 0, 1), ret_a], 0x0102_0304),
            (vec![(0x28, 0, 0, 6), ret_a], 0x0607),
            (vec![(0x28, 0, 0, 7), (0x06, 0, 0, 1)], 0),
            (vec![(0x30, 0, 0, 7), ret_a], 7),
            (vec![(0xb1, 0, 0, 0), (0x87, 0, 0, 0), ret_a], 20),
            (vec![(0xb1, 0, 0, 1), (0x50, 0, 0, 2), ret_a], 6),
            (vec![(0x80, 0, 0, 0), ret_a], 8),
            (vec![(0x00, 0, 0, 9), (0x02, 0, 0, 15), (0x61, 0, 0, 15), (0x87, 0, 0, 0), ret_a], 9),
            (vec![(0x00, 0, 0, 3), (0x84, 0, 0, 0), ret_a], 3u32.wrapping_neg()),
            (vec![(0x00, 0, 0, 3), (0x3c, 0, 0, 0), (0x06, 0, 0, 1)], 0),
            (vec![(0x00, 0, 0, 3), (0x01, 0, 0, 33), (0x6c, 0, 0, 0), ret_a], 6),
            (vec![(0x00, 0, 0, 12), (0x01, 0, 0, 10), (0x20, 0, 0, XOR_X), ret_a], 6),
            (vec![(0x20, 0, 0, ANCILLARY + 20), ret_a], 77),
            (vec![(0x30, 0, 0, NETWORK + 1), ret_a], 1),
            (vec![(0x28, 0, 0, LINK + 12), ret_a], 0x0909),
            (vec![(0x28, 0, 0, LINK + 13), ret_a], 0),
            (vec![(0x30, 0, 0, 0x8000_0000), (0x06, 0, 0, 1)], 0),
            (vec![(0x30, 0, 0, 1), (0x15, 0, 1, 1), (0x06, 0, 0, 8), (0x06, 0, 0, 9)], 8),
            (vec![(0x30, 0, 0, 2), (0x25, 0, 1, 2), (0x06, 0, 0, 8), (0x06, 0, 0, 9)], 9),
            (vec![(0x30, 0, 0, 2), (0x35, 0, 1, 2), (0x06, 0, 0, 8), (0x06, 0, 0, 9)], 8),
            (vec![(0x30, 0, 0, 2), (0x45, 0, 1, 6), (0x06, 0, 0, 8), (0x06, 0, 0, 9)], 8),
            (vec![(0x05, 0, 0, 1), (0x06, 0, 0, 8), (0x06, 0, 0, 9)], 9),
        ] {
            assert_eq!(result(&code), Ok(value), "{code:?}");
        }
        assert_eq!(result(&[(0x20, 0, 0, ANCILLARY + 36), ret_a]), Err(()));
    }

    #[test]
    fn what_the_kernel_refuses() {
        for code in [
            &[][..],
            &[(0x20, 0, 0, 0)],
            &[(0x0107, 0, 0, 0), (0x06, 0, 0, 0)],
            &[(0x8c, 0, 0, 0), (0x06, 0, 0, 0)],
            &[(0x0d, 0, 0, 0), (0x06, 0, 0, 0)],
            &[(0x0e, 0, 0, 0)],
            &[(0x15, 1, 0, 0), (0x06, 0, 0, 0)],
            &[(0x15, 0, 1, 0), (0x06, 0, 0, 0)],
            &[(0x05, 0, 0, u32::MAX), (0x06, 0, 0, 0)],
            &[(0x34, 0, 0, 0), (0x06, 0, 0, 0)],
            &[(0x64, 0, 0, 32), (0x06, 0, 0, 0)],
            &[(0x02, 0, 0, 16), (0x06, 0, 0, 0)],
            &[(0x60, 0, 0, 0), (0x06, 0, 0, 0)],
            &[(0x20, 0, 0, ANCILLARY + 1), (0x06, 0, 0, 0)],
            // Only one of two ways to the load writes the word.
            &[(0x15, 0, 1, 0), (0x02, 0, 0, 3), (0x60, 0, 0, 3), (0x06, 0, 0, 0)],
        ] {
            assert!(check(&program(code)).is_err(), "{code:?}");
        }
        let both =
            [(0x15, 0, 2, 0), (0x02, 0, 0, 3), (0x05, 0, 0, 1), (0x02, 0, 0, 3), (0x60, 0, 0, 3), (0x06, 0, 0, 0)];
        assert_eq!(check(&program(&both)), Ok(()));
        assert!(asks(&program(&[(0x20, 0, 0, ANCILLARY + 56), (0x16, 0, 0, 0)]), Ancillary::Random));
    }
}
