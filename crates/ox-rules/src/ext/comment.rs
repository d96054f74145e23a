//! `-m comment`: words for people; every packet passes.
//!
//! Kernel: net/netfilter/xt_comment.c; ABI: uapi/linux/netfilter/xt_comment.h (256 bytes, zero included).
use super::prelude::*;
use ox_wire::xtables::report::XtCommentInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comment {
    text: Box<str>,
}

options! { Comment;
    /// The words, at most 255 bytes.
    COMMENT ["comment"] Text, .needed() => |c, v| c.take(v.0);
}

impl Comment {
    /// The words.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn take(&mut self, text: String) -> Result<(), String> {
        if text.len() > 255 && bytes::len(&text) > 255 {
            return Err(format!("a comment of {} bytes is too long: 255 at most", bytes::len(&text)));
        }
        self.text = text.into_boxed_str();
        Ok(())
    }
}

impl Ext for Comment {
    const NAME: &'static str = "comment";
    const ABOUT: &'static str = "Keeps a comment with the rule; every packet passes.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { text } = self;
        out.word("--comment");
        out.quoted(text);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { text } = self;
        out.word("/*");
        out.raw(" ");
        out.raw(text);
        out.raw(" */");
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { text } = self;
        nft.comment(text);
        Some(())
    }
}

impl Matching for Comment {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        Pred::Is(true)
    }
}

impl Xt<0> for Comment {
    type Info = XtCommentInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtCommentInfo> {
        let Self { text } = self;
        Some(XtCommentInfo { comment: chars(text)? })
    }

    fn decode(info: &XtCommentInfo, _: &Carry<'_>) -> Option<Self> {
        let XtCommentInfo { comment } = info;
        Some(Self { text: text(comment)?.into() })
    }
}
