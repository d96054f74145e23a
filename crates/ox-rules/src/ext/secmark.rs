//! `-j SECMARK` and `-j CONNSECMARK`: the security mark of packets and connections.
//!
//! Kernel: net/netfilter/xt_SECMARK.c, net/netfilter/xt_CONNSECMARK.c; ABI: uapi/linux/netfilter/xt_SECMARK.h,
//! uapi/linux/netfilter/xt_CONNSECMARK.h. Only the security module knows which number a context has.
use super::prelude::*;
use ox_wire::xtables::security::{XtConnsecmarkTargetInfo, XtSecmarkTargetInfo, XtSecmarkTargetInfoV1};
use std::mem::offset_of;

/// `SECMARK`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Secmark {
    context: String,
}

options! { Secmark;
    /// Security context, as the security module writes it.
    CONTEXT ["selctx"] Text, .needed() => |s, v| s.take(v.0);
}

impl Secmark {
    fn take(&mut self, text: String) -> Result<(), String> {
        if text.is_empty() || bytes::len(&text) > 255 {
            return Err("a security context has 1 to 255 bytes".into());
        }
        self.context = text;
        Ok(())
    }
}

impl Ext for Secmark {
    const NAME: &'static str = "SECMARK";
    const ABOUT: &'static str = "Gives the packet a security context.";
    const TABLES: &'static [TableName] = &[TableName::Mangle, TableName::Security];

    fn save(&self, out: &mut Out, _: Family) {
        let Self { context } = self;
        out.word("--selctx");
        out.guarded(context);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { context } = self;
        out.opt(false, "SECMARK selctx", context.as_str());
    }
}

impl Acting for Secmark {
    /// The number stands for the context and nothing more: any that is not 0 and is the same for the same context.
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { context } = self;
        let number = ox_packet::jhash::jhash(&bytes::bytes_of(context), 0).max(1);
        Act::Native(NativeAct::new("security mark", Effect::Stable, move |at| {
            at.packet.meta.secmark = number;
            Ok(Verdict::Continue)
        }))
    }
}

/// `SECMARK_MODE_SEL`: a context of SELinux, the only kind there is.
const SELINUX: u8 = 1;

impl Xt<1> for Secmark {
    type Info = XtSecmarkTargetInfoV1;
    const COMPARE: usize = offset_of!(XtSecmarkTargetInfoV1, secid);

    fn encode(&self, _: &Carry<'_>) -> Option<XtSecmarkTargetInfoV1> {
        let Self { context } = self;
        Some(XtSecmarkTargetInfoV1 { mode: SELINUX, secctx: chars(context)?, ..Default::default() })
    }

    fn decode(info: &XtSecmarkTargetInfoV1, _: &Carry<'_>) -> Option<Self> {
        let XtSecmarkTargetInfoV1 { mode: _, secctx, _between, secid: _ } = info;
        Some(Self { context: text(secctx)?.into_owned() })
    }
}

impl Xt<0> for Secmark {
    type Info = XtSecmarkTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtSecmarkTargetInfo> {
        let Self { context } = self;
        Some(XtSecmarkTargetInfo { mode: SELINUX, secctx: chars(context)?, ..Default::default() })
    }

    fn decode(info: &XtSecmarkTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtSecmarkTargetInfo { mode: _, _between, secid: _, secctx } = info;
        Some(Self { context: text(secctx)?.into_owned() })
    }

    /// The number is the kernel's.
    fn settle(info: &mut XtSecmarkTargetInfo, _: &Carry<'_>) {
        info.secid = 0;
    }
}

/// `CONNSECMARK`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connsecmark {
    restore: bool,
}

options! { Connsecmark;
    /// Copy the packet's mark to the connection, if that has none.
    SAVE ["save"] Flag, .excl(Self::RESTORE) => |c, _v| c.restore = false;
    /// Copy the connection's mark to the packet, if that has none.
    RESTORE ["restore"] Flag, .excl(Self::SAVE) => |c, _v| c.restore = true;
}

impl Connsecmark {
    const fn name(&self) -> &'static str {
        if self.restore { "restore" } else { "save" }
    }
}

impl Ext for Connsecmark {
    const NAME: &'static str = "CONNSECMARK";
    const ABOUT: &'static str = "Copies security marks between packets and connections.";
    const TRACKING: bool = true;
    const TABLES: &'static [TableName] = &[TableName::Mangle, TableName::Security];

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say which way: --save or --restore".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        out.word("--");
        out.raw(self.name());
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.opt(false, "CONNSECMARK", self.name());
    }
}

impl Acting for Connsecmark {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { restore } = *self;
        Act::Native(NativeAct::new("connection's security mark", Effect::Mutates, move |at| {
            if let Some(conn) = at.conn.as_deref_mut() {
                let (from, to) = if restore {
                    (conn.secmark, &mut at.packet.meta.secmark)
                } else {
                    (at.packet.meta.secmark, &mut conn.secmark)
                };
                if *to == 0 {
                    *to = from;
                }
            }
            Ok(Verdict::Continue)
        }))
    }
}

impl Xt<0> for Connsecmark {
    type Info = XtConnsecmarkTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtConnsecmarkTargetInfo> {
        let Self { restore } = *self;
        Some(XtConnsecmarkTargetInfo { mode: if restore { 2 } else { 1 } })
    }

    fn decode(info: &XtConnsecmarkTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtConnsecmarkTargetInfo { mode } = *info;
        Some(Self { restore: mode == 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Mangle;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(V4, Mangle, "-j SECMARK --selctx a:b:c:s0", "-j SECMARK --selctx a:b:c:s0", "SECMARK selctx a:b:c:s0");
        check(V4, Mangle, "-j CONNSECMARK --rest", "-j CONNSECMARK --restore", "CONNSECMARK restore");
        refused(V4, Mangle, "-j SECMARK");
        refused(V4, Mangle, "-j CONNSECMARK");
        refused(V4, Mangle, "-j CONNSECMARK --save --restore");
    }
}
