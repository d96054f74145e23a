//! `-j TCPOPTSTRIP`: blank out options of a TCP header.
//!
//! Kernel: net/netfilter/xt_TCPOPTSTRIP.c; ABI: uapi/linux/netfilter/xt_TCPOPTSTRIP.h.
use super::prelude::*;
use ox_wire::xtables::whole::XtTcpoptstripTargetInfo;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcpoptstrip {
    /// Numbers in rising order.
    options: Vec<u8>,
}

/// Names in listings.
const NAMES: [(&str, u8); 6] =
    [("wscale", 3), ("mss", 2), ("sack-permitted", 4), ("sack", 5), ("timestamp", 8), ("md5", 19)];

options! { Tcpoptstrip;
    /// The options, separated by commas: numbers from 2 on, or wscale mss sack-permitted sack timestamp md5.
    STRIP ["strip-options"] List => |t, v| t.options = v.0;
}

struct List(Vec<u8>);

impl Value for List {
    const FORMS: &'static [Form] = &[Form::Numbers];
    const HINT: &'static str = "OPTION,…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let one = |t: &str| match (NAMES.iter().find(|n| n.0 == t), number(t, 255)) {
            (Some(&(_, n)), _) => Ok(n),
            (None, Some(n @ 2..)) => Ok(n as u8),
            _ => Err(format!("`{t}' is not an option that can be stripped: 2 to 255, or a name")),
        };
        let mut list: Vec<u8> = args[0].split(',').map(one).collect::<Result<_, _>>()?;
        list.sort_unstable();
        list.dedup();
        Ok(List(list))
    }
}

impl Tcpoptstrip {
    fn print(&self, numeric: bool, out: &mut Out) {
        let Self { options } = self;
        for (i, n) in options.iter().enumerate() {
            out.raw(if i == 0 { " " } else { "," });
            match NAMES.iter().find(|name| name.1 == *n && !numeric) {
                Some((name, _)) => out.raw(name),
                None => n.print(out),
            }
        }
    }
}

impl Ext for Tcpoptstrip {
    const NAME: &'static str = "TCPOPTSTRIP";
    const ABOUT: &'static str = "Blanks out options of a TCP header.";
    const PROTO: Option<u8> = Some(6);
    const TABLES: &'static [TableName] = &[TableName::Mangle];

    fn save(&self, out: &mut Out, _: Family) {
        if !self.options.is_empty() {
            out.word("--strip-options");
            self.print(true, out);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        if !self.options.is_empty() {
            out.word("TCPOPTSTRIP options");
            self.print(show.numeric, out);
        }
    }
}

impl Acting for Tcpoptstrip {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { options } = self.clone();
        Act::Native(NativeAct::new("strip TCP options", Effect::Stable, move |at| {
            let layout = at.packet.layout;
            let header = at.packet.transport().get(12).map_or(0, |&offset| usize::from(offset >> 4) * 4);
            at.packet.meta.pulled = at.packet.meta.pulled.max(header);
            if !ox_packet::strip_options(&mut at.packet.bytes, &layout, |n| options.contains(&n)) {
                return Ok(Verdict::Drop);
            }
            at.packet.reread().map_err(|_| Stop::Unknown("the packet cannot be read any more"))?;
            Ok(Verdict::Continue)
        }))
    }
}

impl Xt<0> for Tcpoptstrip {
    type Info = XtTcpoptstripTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtTcpoptstripTargetInfo> {
        let Self { options } = self;
        let mut strip_bmap = [0; 8];
        for &n in options {
            strip_bmap[usize::from(n >> 5)] |= 1 << (n & 31);
        }
        Some(XtTcpoptstripTargetInfo { strip_bmap })
    }

    fn decode(info: &XtTcpoptstripTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtTcpoptstripTargetInfo { strip_bmap } = info;
        let set = |n: &u8| strip_bmap[usize::from(n >> 5)] & 1 << (n & 31) != 0;
        Some(Self { options: (0..=u8::MAX).filter(set).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Mangle;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(
            V4,
            Mangle,
            "-p tcp -j TCPOPTSTRIP --strip-options 254,timestamp,mss,2",
            "-p tcp -j TCPOPTSTRIP --strip-options 2,8,254",
            "TCPOPTSTRIP options 2,8,254",
        );
        for list in ["0", "1", "256", "nosuch", "\"\""] {
            refused(V4, Mangle, &format!("-p tcp -j TCPOPTSTRIP --strip-options {list}"));
        }
    }
}
