//! What is for security modules and audits.

abi! {
    /// `-j SECMARK` 1
    "linux/netfilter/xt_SECMARK.h" "struct xt_secmark_target_info_v1" XtSecmarkTargetInfoV1 {
        mode: u8,
        secctx: [u8; 256],
        _between: [u8; 3],
        secid: u32,
    }
    /// `-j SECMARK` 0
    "linux/netfilter/xt_SECMARK.h" "struct xt_secmark_target_info" XtSecmarkTargetInfo {
        mode: u8,
        _between: [u8; 3],
        secid: u32,
        secctx: [u8; 256],
    }
    /// `-j CONNSECMARK` 0
    "linux/netfilter/xt_CONNSECMARK.h" "struct xt_connsecmark_target_info" XtConnsecmarkTargetInfo {
        mode: u8,
    }
    /// `-j AUDIT` 0
    "linux/netfilter/xt_AUDIT.h" "struct xt_audit_info" XtAuditInfo {
        r#type as "type": u8,
    }
}
