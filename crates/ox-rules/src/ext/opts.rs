//! `-m hbh` and `-m dst`: the options of the hop-by-hop and destination headers.
//!
//! Kernel: net/ipv6/netfilter/ip6t_hbh.c; ABI: uapi/linux/netfilter_ipv6/ip6t_opts.h.
use super::exthdr::{self, Found};
use super::prelude::*;
use ox_wire::xtables::ipv6::Ip6tOpts;

/// What both ask.
#[derive(Clone, Debug, Default, PartialEq)]
struct Asked {
    len: Option<Inv<u32>>,
    options: Vec<Opt>,
}

/// An option by type, and by length of its data if one is given.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Opt {
    kind: u8,
    len: Option<u8>,
}

struct Opts(Vec<Opt>);

impl Value for Opts {
    const FORMS: &'static [Form] = &[Form::Numbers];
    const HINT: &'static str = "TYPE[:LENGTH],…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let byte =
            |t: &str| number(t, 255).map(|n| n as u8).ok_or_else(|| format!("`{t}' is not a number from 0 to 255"));
        let one = |t: &str| -> Result<Opt, String> {
            match t.split_once(':') {
                // 255 is how the kernel's structure says "any length".
                Some((kind, len)) => Ok(Opt { kind: byte(kind)?, len: Some(byte(len)?).filter(|&n| n != 255) }),
                None => Ok(Opt { kind: byte(t)?, len: None }),
            }
        };
        let one = |t: &str| match one(t)? {
            Opt { kind: 0, len: Some(_) } => Err("option 0 is one byte of padding and has no length".to_owned()),
            option => Ok(option),
        };
        let list: Vec<Opt> = args[0].split(',').map(one).collect::<Result<_, _>>()?;
        if list.len() > 16 {
            return Err(format!("{} options are too many: 16 at most", list.len()));
        }
        Ok(Opts(list))
    }
}

impl Asked {
    fn print_options(&self, name: &str, out: &mut Out) {
        let Self { len: _, options } = self;
        for (i, option) in options.iter().enumerate() {
            if i == 0 {
                out.word(name);
                out.gap();
            } else {
                out.raw(",");
            }
            option.kind.print(out);
            if let Some(len) = option.len {
                out.fmt(format_args!(":{len}"));
            }
        }
    }

    /// Kernel: `hbh_mt6`.
    fn pred(&self, header: u8) -> Pred {
        let Self { len, options } = self.clone();
        Native::new("extension header's options", Effect::Stable, move |at| {
            let found = match exthdr::find(at.packet, header)? {
                Found::Header(found) => found,
                Found::Absent => return Ok(false),
            };
            let Some(&units) = found.get(1) else { return Err(Stop::Hotdrop) };
            let size = (usize::from(units) + 1) * 8;
            let mut rest = found.get(2..size).ok_or(Stop::Hotdrop)?;
            if len.is_some_and(|len| (len.is as usize == size) == len.not) {
                return Ok(false);
            }
            for option in &options {
                let Some(&kind) = rest.first() else { return Ok(false) };
                if kind != option.kind {
                    return Ok(false);
                }
                let step = if kind == 0 {
                    1
                } else {
                    let Some(&data) = rest.get(1) else { return Ok(false) };
                    if option.len.is_some_and(|len| len != data) {
                        return Ok(false);
                    }
                    usize::from(data) + 2
                };
                rest = rest.get(step..).unwrap_or_default();
            }
            Ok(true)
        })
        .into()
    }
}

/// How a structure says "any length": as a number of options it is the length of the longest.
const ANY_LENGTH: u16 = 0xff;

impl Asked {
    fn encode(&self) -> Ip6tOpts {
        let Self { len, options } = self;
        let mut info = Ip6tOpts {
            hdrlen: len.map_or(0, |l| l.is),
            flags: bits([len.is_some(), !options.is_empty()]),
            invflags: len.is_some_and(|l| l.not).into(),
            optsnr: options.len() as u8,
            ..Default::default()
        };
        for (slot, option) in info.opts.iter_mut().zip(options) {
            *slot = u16::from(option.kind) << 8 | option.len.map_or(ANY_LENGTH, u16::from);
        }
        info
    }

    fn decode(info: &Ip6tOpts) -> Option<Self> {
        let Ip6tOpts { hdrlen, flags, invflags, opts, optsnr, _pad } = info;
        let [len, _] = unbits(*flags);
        let one = |&o: &u16| Opt { kind: (o >> 8) as u8, len: Some(o as u8).filter(|_| o & 0xff != ANY_LENGTH) };
        Some(Self {
            len: len.then_some(Inv { is: *hdrlen, not: *invflags != 0 }),
            options: opts.get(..usize::from(*optsnr))?.iter().map(one).collect(),
        })
    }
}

macro_rules! header {
    ($(#[$doc:meta])* $ty:ident $name:literal $header:expr, $about:literal, $len:literal, $opts:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $ty(Asked);

        options! { $ty;
            /// Length of the header in bytes.
            LEN [$len] Inv<u32> => |o, v| o.0.len = Some(v);
            /// The options it begins with, in order, with their lengths if they matter.
            OPTS [$opts] Opts => |o, v| o.0.options = v.0;
        }

        impl Ext for $ty {
            const NAME: &'static str = $name;
            const FAMILIES: Families = Families::V6;
            const ABOUT: &'static str = $about;

            fn save(&self, out: &mut Out, _: Family) {
                let Self(asked) = self;
                if let Some(len) = asked.len {
                    out.opt(len.not, concat!("--", $len), len.is);
                }
                asked.print_options(concat!("--", $opts), out);
            }

            fn list(&self, out: &mut Out, _: &Show<'_>) {
                let Self(asked) = self;
                out.word($name);
                if let Some(len) = asked.len {
                    out.fmt(format_args!(" length:{}{}", if len.not { "!" } else { "" }, len.is));
                }
                asked.print_options("opts", out);
            }

            fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
                let Self(Asked { len, options }) = self;
                if !options.is_empty() {
                    return nft.no(concat!("nft does not look at the options in this header: --", $opts));
                }
                match len {
                    Some(len) => super::exthdr::translate_length(concat!($name, " hdrlength"), *len, (8, 8), nft),
                    None => {
                        nft.word(concat!("exthdr ", $name, " exists"));
                        Some(())
                    }
                }
            }
        }

        impl Xt<0> for $ty {
            type Info = Ip6tOpts;

            fn encode(&self, _: &Carry<'_>) -> Option<Ip6tOpts> {
                let Self(asked) = self;
                Some(asked.encode())
            }

            fn decode(info: &Ip6tOpts, _: &Carry<'_>) -> Option<Self> {
                Asked::decode(info).map(Self)
            }
        }

        impl Matching for $ty {
            fn pred(&self, _: &Lowering<'_>) -> Pred {
                let Self(asked) = self;
                asked.pred($header)
            }
        }
    };
}

header! {
    /// The hop-by-hop match.
    Hbh "hbh" ox_packet::proto::HOPOPTS, "Looks at the hop-by-hop options.", "hbh-len", "hbh-opts"
}
header! {
    /// The destination options match.
    Dst "dst" ox_packet::proto::DSTOPTS, "Looks at the destination options.", "dst-len", "dst-opts"
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V6;

    #[test]
    fn reads_and_prints() {
        check(V6, Filter, "-m hbh", "-m hbh", "hbh");
        check(
            V6,
            Filter,
            "-m hbh --hbh-opts 5:2,6,7:0 ! --hbh-len 7",
            "-m hbh ! --hbh-len 7 --hbh-opts 5:2,6,7:0",
            "hbh length:!7 opts 5:2,6,7:0",
        );
        check(V6, Filter, "-m dst --dst-opts 5", "-m dst --dst-opts 5", "dst opts 5");
        refused(V6, Filter, "-m hbh ! --hbh-opts 5");
        refused(V6, Filter, "-m dst --dst-opts 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17");
        refused(V6, Filter, "-m dst --dst-opts 256");
        refused(V6, Filter, "-m dst --dst-opts 0:0");
    }
}
