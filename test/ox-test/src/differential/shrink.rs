//! Making a difference as small as it gets, and telling it.

use super::compare::{Failure, Found, Source, Trial};
use super::excuse::Small;
use super::lab::{Seen, TAP, Way};
use super::luck::Side;
use std::fmt::Write as _;

impl Trial {
    /// Takes away rules and packets as long as the difference stays, and tells what is left.
    pub(super) fn shrink(
        &self,
        first: String,
        mut text: String,
        mut inputs: Vec<(Way, Vec<u8>)>,
    ) -> Result<(String, Option<Small>), Failure> {
        let mut story = None;
        let mut differs = |text: &str, inputs: &[(Way, Vec<u8>)]| -> Result<bool, Failure> {
            // Fewer rules may send a packet in circles, of which more is seen than there is room for.
            if let Ok(Found::Differs(told)) = self.run(text, &mut Source::Given(inputs), None) {
                story = Some(told);
                return Ok(true);
            }
            Ok(false)
        };
        if !differs(&text, &inputs)? {
            return Ok((first, None));
        }
        for part in [8, 4, 2, 1] {
            let mut at = 0;
            loop {
                let lines: Vec<&str> = text.lines().collect();
                let rules: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].starts_with("-A ")).collect();
                let Some(gone) = rules.get(at..(at + part).min(rules.len())).filter(|g| !g.is_empty()) else { break };
                let fewer: String =
                    (0..lines.len()).filter(|i| !gone.contains(i)).map(|i| format!("{}\n", lines[i])).collect();
                if differs(&fewer, &inputs)? {
                    text = fewer;
                } else {
                    at += part;
                }
            }
        }
        for part in [16, 8, 4, 2, 1] {
            let mut at = 0;
            while at < inputs.len() {
                let mut fewer = inputs.clone();
                fewer.drain(at..(at + part).min(inputs.len()));
                if !fewer.is_empty() && differs(&text, &fewer)? {
                    inputs = fewer;
                } else {
                    at += part;
                }
            }
        }
        differs(&text, &inputs)?;
        let story = story.unwrap_or_default();
        Ok((story, Some(Small { family: self.family, dialect: self.dialect, text, inputs })))
    }

    /// A difference with all that led to it.
    pub(super) fn tell(
        &self,
        i: usize,
        text: &str,
        side: &Side,
        kernel: &[Seen],
        engine: &[Seen],
        what: &str,
    ) -> String {
        let mut s = String::new();
        let _ = writeln!(s, "seed {}, {:?} {:?}, packet {i}: {what}", self.seed, self.family, self.dialect);
        let _ = writeln!(s, "{text}");
        for (n, input) in side.inputs.iter().enumerate() {
            let way = match input.way {
                Way::In(dev) => format!("in {dev}"),
                Way::Frame(cast, neighbour) => format!("in {TAP} {cast:?} from {neighbour}"),
                Way::Local => "local".to_owned(),
            };
            let hex: String = input.bytes.iter().map(|b| format!("{b:02x}")).collect();
            let _ = writeln!(s, "{n:2} {way:8} {}\n      {hex}", ox_packet::show(&input.bytes));
        }
        for (who, list) in [("kernel", kernel), ("engine", engine)] {
            for seen in list {
                let (Seen::Out(d, b) | Seen::Delivered(d, b)) = seen;
                let how = if matches!(seen, Seen::Out(..)) { "out" } else { "delivered" };
                let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
                let _ = writeln!(s, "{who}: {how} {d} {}\n      {hex}", ox_packet::show(b));
            }
            if list.is_empty() {
                let _ = writeln!(s, "{who}: nothing");
            }
        }
        s
    }
}
