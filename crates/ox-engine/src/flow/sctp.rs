//! SCTP: associations by their chunks and verification tags.
//!
//! Kernel: net/netfilter/nf_conntrack_proto_sctp.c.

use super::{Flow, Judged, Seen, State};
use ox_packet::sctp::chunk;
use ox_packet::{Sctp as Header, checksum};
use ox_rules::ir::status;

/// States (ABI: uapi/linux/netfilter/nf_conntrack_sctp.h `enum sctp_conntrack`).
const NONE: u8 = 0;
const CLOSED: u8 = 1;
const ESTABLISHED: u8 = 4;
/// Not a state: the chunk is invalid.
const INVALID: u8 = 9;

const NAMES: [&str; 9] = [
    "NONE",
    "CLOSED",
    "COOKIE_WAIT",
    "COOKIE_ECHOED",
    "ESTABLISHED",
    "SHUTDOWN_SENT",
    "SHUTDOWN_RECD",
    "SHUTDOWN_ACK_SENT",
    "HEARTBEAT_SENT",
];

/// The next state by direction, chunk (in the order of `row`) and state.
#[rustfmt::skip]
const NEXT: [[[u8; 9]; 11]; 2] = {
    const CL: u8 = CLOSED; const CW: u8 = 2; const CE: u8 = 3; const ES: u8 = ESTABLISHED;
    const SS: u8 = 5; const SR: u8 = 6; const SA: u8 = 7; const HS: u8 = 8; const IV: u8 = INVALID;
    //  NO  CL  CW  CE  ES  SS  SR  SA  HS
    [[
        [CL, CL, CW, CE, ES, CL, CL, SA, CW], // INIT
        [CL, CL, CW, CE, ES, SS, SR, SA, CL], // INIT ACK
        [CL, CL, CL, CL, CL, CL, CL, CL, CL], // ABORT
        [CL, CL, CW, CE, SS, SS, SR, SA, CL], // SHUTDOWN
        [SA, CL, CW, CE, ES, SA, SA, SA, SA], // SHUTDOWN ACK
        [CL, CL, CW, CE, ES, SS, SR, SA, CL], // ERROR
        [CL, CL, CE, CE, ES, SS, SR, SA, CL], // COOKIE ECHO
        [CL, CL, CW, ES, ES, SS, SR, SA, CL], // COOKIE ACK
        [CL, CL, CW, CE, ES, SS, SR, CL, CL], // SHUTDOWN COMPLETE
        [HS, CL, CW, CE, ES, SS, SR, SA, HS], // HEARTBEAT
        [CL, CL, CW, CE, ES, SS, SR, SA, HS], // HEARTBEAT ACK
    ], [
        [IV, CL, CW, CE, ES, SS, SR, SA, IV], // INIT
        [IV, CW, CW, CE, ES, SS, SR, SA, IV], // INIT ACK
        [IV, CL, CL, CL, CL, CL, CL, CL, IV], // ABORT
        [IV, CL, CW, CE, SR, SS, SR, SA, IV], // SHUTDOWN
        [IV, CL, CW, CE, ES, SA, SA, SA, IV], // SHUTDOWN ACK
        [IV, CL, CW, CL, ES, SS, SR, SA, IV], // ERROR
        [IV, CL, CE, CE, ES, SS, SR, SA, IV], // COOKIE ECHO
        [IV, CL, CW, ES, ES, SS, SR, SA, IV], // COOKIE ACK
        [IV, CL, CW, CE, ES, SS, SR, CL, IV], // SHUTDOWN COMPLETE
        [IV, CL, CW, CE, ES, SS, SR, SA, HS], // HEARTBEAT
        [IV, CL, CW, CE, ES, SS, SR, SA, ES], // HEARTBEAT ACK
    ]]
};

/// The flag of ABORT and SHUTDOWN COMPLETE that says: the tag is the receiver's own.
const REFLECTED: u8 = 1;

fn next(dir: usize, state: u8, kind: u8) -> u8 {
    let row = match kind {
        chunk::INIT => 0,
        chunk::INIT_ACK => 1,
        chunk::ABORT => 2,
        chunk::SHUTDOWN => 3,
        chunk::SHUTDOWN_ACK => 4,
        chunk::ERROR => 5,
        chunk::COOKIE_ECHO => 6,
        chunk::COOKIE_ACK => 7,
        chunk::SHUTDOWN_COMPLETE => 8,
        chunk::HEARTBEAT => 9,
        chunk::HEARTBEAT_ACK => 10,
        _ => return state,
    };
    NEXT[dir][row][usize::from(state)]
}

/// What is remembered of an association.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sctp {
    state: u8,
    tags: [u32; 2],
    init: [bool; 2],
    last_dir: usize,
    /// A heartbeat came with a tag that is not the known one.
    odd_heartbeat: bool,
}

impl Sctp {
    pub fn name(&self) -> &'static str {
        NAMES[usize::from(self.state)]
    }
}

/// A chunk: type, flags and the bytes from its header on.
struct Chunk<'a> {
    kind: u8,
    flags: u8,
    bytes: &'a [u8],
}

impl Chunk<'_> {
    /// The initiate tag, if the whole fixed part of INIT or INIT ACK is there.
    fn init_tag(&self) -> Option<u32> {
        self.bytes.get(4..20)?.first_chunk().map(|tag| u32::from_be_bytes(*tag))
    }
}

/// The chunks; `None` if one has no length.
fn chunks(l4: &[u8]) -> Option<Vec<Chunk<'_>>> {
    let mut all = Vec::new();
    let mut at = 12;
    while let Some(&[kind, flags, high, low]) = l4.get(at..).and_then(|b| b.first_chunk::<4>()) {
        let len = usize::from(u16::from_be_bytes([high, low]));
        if len == 0 {
            return None;
        }
        all.push(Chunk { kind, flags, bytes: &l4[at..] });
        at += len.next_multiple_of(4);
    }
    Some(all)
}

/// Whether chunks stand together that may: some come first, some alone.
fn well_formed(chunks: &[Chunk<'_>]) -> bool {
    let mut alone = false;
    for (i, c) in chunks.iter().enumerate() {
        alone |= matches!(c.kind, chunk::INIT | chunk::INIT_ACK | chunk::SHUTDOWN_COMPLETE);
        if i != 0 && (alone || matches!(c.kind, chunk::COOKIE_ACK | chunk::COOKIE_ECHO)) {
            return false;
        }
    }
    !chunks.is_empty()
}

fn open(chunks: &[Chunk<'_>], tag: u32) -> Option<Sctp> {
    let mut sctp = Sctp::default();
    for c in chunks {
        if matches!(next(0, NONE, c.kind), NONE | INVALID) {
            return None;
        }
        match c.kind {
            chunk::INIT if tag != 0 => return None,
            chunk::INIT => sctp.tags[1] = c.init_tag()?,
            chunk::HEARTBEAT => sctp.tags[0] = tag,
            chunk::SHUTDOWN_ACK => sctp.tags[1] = tag,
            _ => {}
        }
    }
    Some(sctp)
}

pub(super) fn packet(flow: &mut Flow, seen: &Seen<'_>) -> Judged {
    let Some(header) = Header::new(seen.l4) else { return Judged::Invalid("the SCTP header is cut short") };
    if seen.verify && !checksum::transport_holds(&seen.packet.bytes, &seen.packet.layout) {
        return Judged::Invalid("the SCTP checksum is wrong");
    }
    let Some(chunks) = chunks(seen.l4).filter(|chunks| well_formed(chunks)) else {
        return Judged::Invalid("SCTP chunks that cannot stand together");
    };
    let has = |kinds: &[u8]| chunks.iter().any(|c| kinds.contains(&c.kind));
    let tag = header.tag();
    if !flow.confirmed() {
        if has(&[chunk::ABORT, chunk::SHUTDOWN_COMPLETE, chunk::COOKIE_ACK]) {
            return Judged::Invalid("such an SCTP chunk opens no association");
        }
        match open(&chunks, tag) {
            Some(sctp) => flow.state = State::Sctp(sctp),
            None => return Judged::Invalid("such an SCTP chunk opens no association"),
        }
    }
    let State::Sctp(mut sctp) = flow.state else { return Judged::Invalid("not an SCTP association") };
    let dir = seen.dir as usize;
    let checked_apart = [
        chunk::INIT,
        chunk::SHUTDOWN_COMPLETE,
        chunk::COOKIE_ECHO,
        chunk::ABORT,
        chunk::SHUTDOWN_ACK,
        chunk::HEARTBEAT,
        chunk::HEARTBEAT_ACK,
    ];
    if !has(&checked_apart) && tag != sctp.tags[dir] {
        return Judged::Invalid("the SCTP verification tag is not the association's");
    }
    let steps = Steps { tag, dir, data: has(&[chunk::DATA]), confirmed: flow.confirmed() };
    let went = steps.walk(&mut sctp, &chunks);
    // What earlier chunks changed stays, even if a later one is refused.
    flow.state = State::Sctp(sctp);
    let walked = match went {
        Ok(walked) => walked,
        Err(why) => return Judged::Invalid(why),
    };
    if walked.established {
        flow.conn.status |= status::ASSURED;
    }
    if walked.ignore {
        return Judged::Ignored("such an SCTP chunk prolongs nothing");
    }
    flow.refresh(seen, seen.timeouts.sctp[usize::from(walked.state)]);
    Judged::Accept
}

struct Steps {
    tag: u32,
    dir: usize,
    data: bool,
    confirmed: bool,
}

struct Walked {
    state: u8,
    established: bool,
    ignore: bool,
}

impl Steps {
    fn walk(&self, sctp: &mut Sctp, chunks: &[Chunk<'_>]) -> Result<Walked, &'static str> {
        const WRONG_TAG: &str = "the SCTP verification tag is not the association's";
        let &Self { tag, dir, data, confirmed } = self;
        let mut walked = Walked { state: NONE, established: false, ignore: false };
        for c in chunks {
            match c.kind {
                chunk::INIT if tag != 0 => return Err(WRONG_TAG),
                chunk::ABORT | chunk::SHUTDOWN_COMPLETE => {
                    let of = if c.flags & REFLECTED != 0 { 1 - dir } else { dir };
                    if tag != sctp.tags[of] {
                        return Err(WRONG_TAG);
                    }
                }
                chunk::COOKIE_ECHO if tag != sctp.tags[dir] => return Err(WRONG_TAG),
                chunk::COOKIE_ACK => sctp.init = [false; 2],
                chunk::HEARTBEAT | chunk::HEARTBEAT_ACK if sctp.tags[dir] == 0 => sctp.tags[dir] = tag,
                chunk::HEARTBEAT | chunk::HEARTBEAT_ACK if tag == sctp.tags[dir] => sctp.odd_heartbeat = false,
                chunk::HEARTBEAT | chunk::HEARTBEAT_ACK if data || walked.ignore => return Err(WRONG_TAG),
                chunk::HEARTBEAT => {
                    // The peer may have started again; its answer will tell.
                    sctp.odd_heartbeat = true;
                    sctp.last_dir = dir;
                    walked.ignore = true;
                    continue;
                }
                chunk::HEARTBEAT_ACK => {
                    if !sctp.odd_heartbeat || sctp.last_dir == dir {
                        return Err(WRONG_TAG);
                    }
                    sctp.odd_heartbeat = false;
                    sctp.tags[dir] = tag;
                    sctp.tags[1 - dir] = 0;
                }
                _ => {}
            }
            let old = sctp.state;
            let new = next(dir, old, c.kind);
            if new == INVALID {
                return Err("such an SCTP chunk has no place in the association's state");
            }
            walked.state = new;
            if matches!(c.kind, chunk::INIT | chunk::INIT_ACK) {
                let Some(theirs) = c.init_tag() else { return Err("the SCTP INIT is cut short") };
                let known = sctp.tags[1 - dir];
                if c.kind == chunk::INIT {
                    if old == NONE || known != theirs {
                        if sctp.init[dir] && sctp.init[1 - dir] {
                            sctp.init[1 - dir] = false;
                        }
                        sctp.init[dir] = true;
                    }
                    walked.ignore |= new == CLOSED && old == CLOSED && confirmed;
                } else {
                    let unasked = !sctp.init[1 - dir] && known != 0;
                    let collided = sctp.init[dir] && sctp.init[1 - dir];
                    if (unasked || collided) && known != theirs {
                        return Err(WRONG_TAG);
                    }
                }
                sctp.tags[1 - dir] = theirs;
            }
            sctp.state = new;
            walked.established |= old != new && new == ESTABLISHED;
        }
        Ok(walked)
    }
}
