//! Makes the corpus from captures, and tells what there is to fuzz.
//!
//! `seed --list` prints the targets; `seed --dictionary NAME` prints a protocol's patterns as
//! libFuzzer reads them; `seed FOLDER CAPTURE…` writes to `FOLDER/NAME/` one session of each
//! protocol per capture, `FOLDER/session/` the same for classification, and `FOLDER/wire/` one
//! frame of each stack of headers.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

use nf_capture::{Batch, Fill, OpenSpec, open};
use nf_fields::ProtoId;
use nf_proto::fuzzing::{carriers, write_segment};
use nf_proto::registry::{self, Entry, PROTOCOLS};
use nf_proto::testing::{Event, header_flow, play};
use nf_proto::{Direction, Flow};
use nf_wire::{IpLayer, Layer, LinkType, Packet, Transport, decode, id};

/// Most octets of one seed, and of the sessions looked at.
const MAX_SEED: usize = 4096;
/// Most seeds of one protocol.
const MAX_SEEDS: usize = 12;
/// Most octets of a frame, and most frames of one capture.
const MAX_FRAME: usize = 300;
const MAX_FRAMES: usize = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => {
            PROTOCOLS.iter().for_each(|e| println!("{}", e.info.name));
            println!("session\nwire");
            Ok(())
        }
        ["--dictionary", name] => dictionary(name),
        [folder, ref captures @ ..] if !captures.is_empty() => seed(Path::new(folder), captures),
        _ => Err("usage: seed --list | --dictionary NAME | FOLDER CAPTURE…".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("seed: {why}");
            ExitCode::FAILURE
        }
    }
}

fn dictionary(name: &str) -> Result<(), String> {
    let patterns = registry::by_name(name).map_or(&[][..], |e| e.info.patterns);
    for pattern in patterns.iter().filter(|p| !p.bytes.is_empty()) {
        let escaped: String = pattern.bytes.iter().map(|b| format!("\\x{b:02x}")).collect();
        println!("\"{escaped}\"");
    }
    Ok(())
}

/// One session of a capture: its segments in the order of arrival.
struct Session {
    flow: Flow,
    next: [Option<u32>; 2],
    segments: Vec<(Direction, Vec<u8>)>,
    octets: usize,
}

type Key = (IpAddr, u16, IpAddr, u16, u8);

fn sessions(capture: &str) -> Result<Vec<Session>, String> {
    let mut source = open(&OpenSpec::new([capture])).map_err(|e| e.to_string())?;
    let mut batch = Batch::with_capacity(256);
    let mut found: Vec<Session> = Vec::new();
    let mut index: HashMap<Key, usize> = HashMap::new();
    let mut packet = Packet::default();
    loop {
        batch.clear();
        let fill = source.fill(&mut batch).map_err(|e| e.to_string())?;
        for (about, frame) in batch.iter() {
            decode(LinkType::from_dlt(about.link.into()), frame, about.length, &mut packet);
            if let Some(layer) = header_read(&packet) {
                add_header(layer, frame, &mut found);
            } else if let Some(ip) =
                packet.ips().last().filter(|ip| ip.transport != Transport::Other)
            {
                let sequence = tcp_sequence(&packet, frame);
                add(ip, frame, sequence, &mut found, &mut index);
            }
        }
        if matches!(fill, Fill::End) || batch.is_empty() {
            return Ok(found);
        }
    }
}

/// A header that a parser reads, where the innermost IP layer has one.
fn header_read(packet: &Packet) -> Option<Layer> {
    let from = packet.ips().last().map_or(0, |ip| usize::from(ip.layer) + 1);
    let reads = |id| registry::by_id(id).is_some_and(|entry| entry.info.reads_header);
    packet.layers().get(from..)?.iter().find(|l| reads(l.proto)).copied()
}

/// All packets with one header are one session: a seed need not be of two speakers.
fn add_header(layer: Layer, frame: &[u8], found: &mut Vec<Session>) {
    let is_its = |session: &Session| session.flow.header == Some(layer.proto);
    let at = found.iter().position(is_its).unwrap_or_else(|| {
        let flow = header_flow(layer.proto);
        found.push(Session { flow, next: [None; 2], segments: Vec::new(), octets: 0 });
        found.len() - 1
    });
    let data = frame.get(usize::from(layer.offset)..).unwrap_or(&[]);
    let session = &mut found[at];
    if session.octets + data.len() <= MAX_SEED {
        session.octets += data.len();
        session.segments.push((Direction::Up, data.to_vec()));
    }
}

/// Sequence number and whether the segment opens the connection.
fn tcp_sequence(packet: &Packet, frame: &[u8]) -> Option<(u32, bool)> {
    let layer = packet.layers().iter().rev().find(|l| l.proto == id::TCP)?;
    let header = frame.get(usize::from(layer.offset)..)?;
    let number = u32::from_be_bytes(*header.get(4..)?.first_chunk()?);
    Some((number, header.get(13)? & 2 != 0))
}

fn addresses(ip: &IpLayer, frame: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let header = frame.get(usize::from(ip.offset)..)?;
    if ip.version == 4 {
        let at = |n: usize| Some(IpAddr::from(*header.get(n..)?.first_chunk::<4>()?));
        return Some((at(12)?, at(16)?));
    }
    let at = |n: usize| Some(IpAddr::from(*header.get(n..)?.first_chunk::<16>()?));
    Some((at(8)?, at(24)?))
}

fn add(
    ip: &IpLayer,
    frame: &[u8],
    tcp: Option<(u32, bool)>,
    found: &mut Vec<Session>,
    index: &mut HashMap<Key, usize>,
) {
    let Some((source, destination)) = addresses(ip, frame) else { return };
    let (from, to) = ((source, ip.src_port), (destination, ip.dst_port));
    let transport = ip.transport as u8;
    let up: Key = (from.0, from.1, to.0, to.1, transport);
    let down: Key = (to.0, to.1, from.0, from.1, transport);
    let (at, dir) = match (index.get(&up), index.get(&down)) {
        (Some(&at), _) => (at, Direction::Up),
        (_, Some(&at)) => (at, Direction::Down),
        _ => {
            index.insert(up, found.len());
            let flow = Flow {
                initiator: source,
                responder: destination,
                initiator_port: from.1,
                responder_port: to.1,
                transport: ip.transport,
                header: None,
                link: None,
                protocol: ip.protocol,
            };
            found.push(Session { flow, next: [None; 2], segments: Vec::new(), octets: 0 });
            (found.len() - 1, Direction::Up)
        }
    };
    let session = &mut found[at];
    let start = ip.payload as usize;
    let data = frame.get(start..start + ip.payload_captured as usize).unwrap_or(&[]);
    if let Some((number, opens)) = tcp {
        let number = if opens { number.wrapping_add(1) } else { number };
        // What is out of order is left out: a seed need not be whole.
        let next = &mut session.next[dir.index()];
        if next.is_some_and(|next| next != number) {
            return;
        }
        *next = Some(number.wrapping_add(u32::try_from(data.len()).unwrap_or(0)));
    }
    if !data.is_empty() && session.octets + data.len() <= MAX_SEED {
        session.octets += data.len();
        session.segments.push((dir, data.to_vec()));
    }
}

/// The protocol a session begins with.
fn recognised(session: &Session) -> Option<&'static Entry> {
    if let Some(header) = session.flow.header {
        return registry::by_id(header);
    }
    let events: Vec<_> = session
        .segments
        .iter()
        .map(|(dir, data)| match dir {
            Direction::Up => Event::Up(data),
            Direction::Down => Event::Down(data),
        })
        .collect();
    let heard = play(&session.flow, &events);
    registry::by_name(heard.path.first()?)
}

/// Writes frames with stacks of headers that no earlier frame had.
fn frames(
    folder: &Path,
    capture: &str,
    stem: &str,
    known: &mut HashSet<Vec<ProtoId>>,
) -> Result<(), String> {
    let mut source = open(&OpenSpec::new([capture])).map_err(|e| e.to_string())?;
    let mut batch = Batch::with_capacity(256);
    let mut packet = Packet::default();
    let mut written = 0;
    loop {
        batch.clear();
        let fill = source.fill(&mut batch).map_err(|e| e.to_string())?;
        for (about, frame) in batch.iter() {
            decode(LinkType::from_dlt(about.link.into()), frame, about.length, &mut packet);
            let stack = packet.layers().iter().map(|l| l.proto).collect();
            if frame.len() <= MAX_FRAME && written < MAX_FRAMES && known.insert(stack) {
                let link = about.link.to_be_bytes();
                write(folder, "wire", &format!("{stem}-{written}"), &[&link[..], frame].concat())?;
                written += 1;
            }
        }
        if matches!(fill, Fill::End) || batch.is_empty() {
            return Ok(());
        }
    }
}

fn seed(folder: &Path, captures: &[&str]) -> Result<(), String> {
    let mut written: HashMap<&str, usize> = HashMap::new();
    let mut stacks = HashSet::new();
    for capture in captures {
        let stem = Path::new(capture).file_name().unwrap_or_default().to_string_lossy();
        let stem = stem.split('.').next().unwrap_or_default().to_string();
        frames(folder, capture, &stem, &mut stacks)?;
        let mut of_capture = Vec::new();
        for session in sessions(capture)? {
            let Some(entry) = recognised(&session) else { continue };
            let name = entry.info.name;
            let count = written.entry(name).or_default();
            if *count >= MAX_SEEDS || of_capture.contains(&name) {
                continue;
            }
            *count += 1;
            of_capture.push(name);
            let carriers = carriers(entry);
            let flow = (session.flow.transport, session.flow.responder_port);
            let choice = carriers
                .iter()
                .position(|&c| c == flow)
                .or_else(|| carriers.iter().position(|&c| c == (session.flow.transport, 0)));
            let choice = u8::try_from(choice.unwrap_or(0)).unwrap_or(0);
            let mut body = Vec::new();
            for (dir, data) in &session.segments {
                write_segment(*dir, data, &mut body);
            }
            let [high, low] = entry.info.id.0.to_be_bytes();
            write(folder, name, &stem, &[&[choice][..], &body].concat())?;
            let any = [&[high, low, choice][..], &body].concat();
            write(folder, "session", &format!("{stem}-{name}"), &any)?;
        }
    }
    Ok(())
}

fn write(folder: &Path, target: &str, name: &str, octets: &[u8]) -> Result<(), String> {
    let folder = folder.join(target);
    let path = folder.join(name);
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&path, octets))
        .map_err(|e| format!("{}: {e}", path.display()))
}
