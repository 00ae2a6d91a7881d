//! What a session's transport tells: order, retransmissions, times, and the end.

use nf_proto::Direction;
use nf_stream::Half;

use crate::row::EndReason;

/// TCP flag bits (RFC 9293 §3.1).
pub(crate) mod flag {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const ACK: u8 = 0x10;
}

/// The part of a TCP header that a session needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TcpHeader {
    pub sequence: u32,
    pub acknowledgement: u32,
    pub flags: u8,
}

impl TcpHeader {
    /// From the header's first octets.
    #[inline]
    pub fn read(header: &[u8]) -> Option<Self> {
        let fixed: &[u8; 20] = header.first_chunk()?;
        let word = |at: usize| {
            u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        Some(Self { sequence: word(4), acknowledgement: word(8), flags: fixed[13] })
    }

    #[inline]
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// SYN without ACK: the first segment of a connection.
    #[inline]
    pub fn is_opening(&self) -> bool {
        self.flags & (flag::SYN | flag::ACK) == flag::SYN
    }
}

/// State of a TCP connection, and the timing of any session.
#[derive(Debug, Default)]
pub(crate) struct Tcp {
    pub halves: [Half; 2],
    pub retransmissions: [u32; 2],
    pub timing: Timing,
    fins: u8,
}

/// What a segment meant to the connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Segmented {
    /// It carried nothing new.
    pub retransmission: bool,
    /// It came before its turn.
    pub out_of_order: bool,
    /// It lies outside any window.
    pub outside: bool,
    /// The handshake was completed by it.
    pub established: bool,
    /// The connection was closed by it.
    pub closed: Option<EndReason>,
}

impl Tcp {
    /// Follows flags and times; payload is placed by the caller.
    #[inline]
    pub fn follow(
        &mut self,
        header: &TcpHeader,
        dir: Direction,
        length: usize,
        timestamp: u64,
    ) -> Segmented {
        let mut told = Segmented::default();
        if header.has(flag::SYN) {
            self.halves[dir.index()].syn(header.sequence);
        }
        told.established = self.timing.tcp(header, dir, length, timestamp);
        if header.has(flag::RST) {
            told.closed = Some(EndReason::Rst);
        } else if header.has(flag::FIN) {
            self.fins |= 1 << dir.index();
            if self.fins == 3 {
                told.closed = Some(EndReason::Fin);
            }
        }
        told
    }

    /// Whether `header` opens a connection other than this one.
    pub fn is_another(&self, header: &TcpHeader, dir: Direction) -> bool {
        let half = &self.halves[dir.index()];
        header.is_opening()
            && half.started()
            && header.sequence.wrapping_add(1) != half.next()
            && header.sequence != half.next()
    }
}

const UNSET: u32 = u32::MAX;

/// How long the responder took to answer the first request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// Last payload of the initiator before the responder's first.
    request: u64,
    response: u32,
}

impl Default for Answer {
    fn default() -> Self {
        Self { request: 0, response: UNSET }
    }
}

impl Answer {
    pub fn app_response_us(&self) -> Option<u32> {
        set(self.response)
    }

    /// Payload of either side: the first answer to a request is timed.
    #[inline]
    pub fn payload(&mut self, dir: Direction, timestamp: u64) {
        if self.response != UNSET {
            return;
        }
        match dir {
            Direction::Up => self.request = timestamp,
            Direction::Down if self.request != 0 => {
                self.response = microseconds(self.request, timestamp);
            }
            Direction::Down => {}
        }
    }
}

/// Times of a TCP connection in microseconds, saturating below one hour and a bit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// SYN of the initiator.
    syn: u64,
    /// A segment of the initiator waiting for its acknowledgement: end and time.
    sample: (u32, u64),
    rtt: u32,
    handshake: u32,
    /// 0 nothing, 1 SYN, 2 SYN and its answer, 3 established.
    stage: u8,
}

impl Default for Timing {
    fn default() -> Self {
        Self { syn: 0, sample: (0, 0), rtt: UNSET, handshake: UNSET, stage: 0 }
    }
}

fn microseconds(from: u64, to: u64) -> u32 {
    u32::try_from(to.saturating_sub(from) / 1000).unwrap_or(UNSET).min(UNSET - 1)
}

fn set(value: u32) -> Option<u32> {
    (value != UNSET).then_some(value)
}

impl Timing {
    pub fn rtt_us(&self) -> Option<u32> {
        set(self.rtt)
    }

    pub fn handshake_us(&self) -> Option<u32> {
        set(self.handshake)
    }

    /// A TCP segment; true when it completes the handshake.
    #[inline]
    fn tcp(&mut self, header: &TcpHeader, dir: Direction, length: usize, timestamp: u64) -> bool {
        match dir {
            Direction::Up => {
                let mut established = false;
                if header.is_opening() {
                    self.syn = timestamp;
                    self.stage = 1;
                } else if self.stage == 2 && header.has(flag::ACK) {
                    self.handshake = microseconds(self.syn, timestamp);
                    self.stage = 3;
                    established = true;
                }
                let syn = u32::from(header.has(flag::SYN));
                if length > 0 || syn == 1 {
                    let end = header.sequence.wrapping_add(length as u32).wrapping_add(syn);
                    let ahead = end.wrapping_sub(self.sample.0) as i32;
                    if self.sample.1 == 0 {
                        self.sample = (end, timestamp);
                    } else if ahead <= 0 {
                        // Sent again: its acknowledgement would time neither (Karn).
                        self.sample.1 = 0;
                    }
                }
                established
            }
            Direction::Down => {
                if self.stage == 1 && header.has(flag::SYN) && header.has(flag::ACK) {
                    self.stage = 2;
                }
                if self.sample.1 != 0
                    && header.has(flag::ACK)
                    && header.acknowledgement.wrapping_sub(self.sample.0) as i32 >= 0
                {
                    self.rtt = self.rtt.min(microseconds(self.sample.1, timestamp));
                    self.sample.1 = 0;
                }
                false
            }
        }
    }
}
