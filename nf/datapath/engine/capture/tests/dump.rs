//! Dumps: what was offered is in the file, whole, within its limits, and nowhere else.
#![cfg(target_os = "linux")]

mod build;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use build::{Outcome, Scratch, read_file};
use nf_capture::dump::{Branch, Dumper, Reason, Spec, View};
use nf_capture::{Batch, Block, CaptureError, PacketRef};

const PATIENCE: Duration = Duration::from_secs(30);

fn spec() -> Spec {
    Spec {
        file: "some.pcapng".into(),
        filter: String::new(),
        duration: PATIENCE,
        packets: 0,
        octets: 1 << 30,
        snap_length: 0,
    }
}

/// An Ethernet frame with UDP to this port.
fn frame(port: u16, payload: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let total = (28 + payload) as u16;
    frame.extend([0x45, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(4000u16.to_be_bytes());
    frame.extend(port.to_be_bytes());
    frame.extend((8 + payload as u16).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(std::iter::repeat_n(7, payload));
    frame
}

/// Packets of an interface, captured whole, with their times.
fn batch(source: u16, packets: &[(u64, Vec<u8>)]) -> Batch {
    let mut batch = Batch::with_capacity(packets.len());
    let memory: Vec<u8> = packets.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let block = batch.add_block(&Arc::new(Block::owned(memory))).unwrap();
    let mut offset = 0;
    for (timestamp, bytes) in packets {
        let captured = bytes.len() as u32;
        batch.push(PacketRef {
            timestamp: *timestamp,
            offset,
            captured,
            length: captured + 4,
            block,
            link: 1,
            source,
            interface: 0,
        });
        offset += u64::from(captured);
    }
    batch
}

fn branch(dumper: &Dumper, live: bool) -> Branch {
    dumper.tap().branch(live, Box::new(|source| Some(format!("port{source}"))))
}

fn ended(dumper: &Dumper) -> View {
    assert!(dumper.wait(PATIENCE), "it never ends");
    dumper.view().unwrap()
}

fn reason(view: &View) -> Reason {
    view.end.as_ref().unwrap().reason
}

fn read(path: &Path) -> Outcome {
    read_file(path).unwrap()
}

fn refusal(dumper: &Dumper, spec: Spec) -> CaptureError {
    dumper.begin(spec, &[]).unwrap_err()
}

#[test]
fn what_was_offered_is_read_back_as_it_was() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    let mut engine = branch(&dumper, false);
    engine.offer(&batch(0, &[(1, frame(9, 1))]));

    let path = dumper.begin(spec(), &[]).unwrap();
    let offered = [(1_700_000_000_123_456_789, frame(1, 0)), (5, frame(2, 1)), (7, frame(3, 1401))];
    engine.offer(&batch(0, &offered));
    engine.offer(&batch(3, &[(9, frame(4, 2))]));
    assert!(dumper.stop());
    let view = ended(&dumper);
    engine.offer(&batch(0, &[(10, frame(9, 1))]));

    let read = read(&path);
    let seen: Vec<_> = read.packets.iter().map(|one| (one.timestamp, one.bytes.clone())).collect();
    assert_eq!(seen[..3], offered);
    assert_eq!(seen.len(), 4);
    assert_eq!(read.packets[2].length, offered[2].1.len() as u32 + 4);
    assert_eq!(read.packets.iter().map(|one| one.interface).collect::<Vec<_>>(), [0, 0, 0, 1]);
    assert_eq!(read.early(), None);
    assert_eq!((view.seen, view.packets, view.dropped), (4, 4, 0));
    assert_eq!((reason(&view), view.octets), (Reason::Stopped, fs::metadata(&path).unwrap().len()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(folder.path("dumps")).unwrap().permissions().mode() & 0o777, 0o700);
    let bytes = fs::read(&path).unwrap();
    for name in ["port0", "port3"] {
        assert!(bytes.windows(5).any(|five| five == name.as_bytes()), "no interface {name}");
    }
}

#[test]
fn other_programs_read_it() {
    let Ok(version) = Command::new("capinfos").arg("--version").output() else {
        eprintln!("SKIPPED: capinfos (Wireshark) is not installed");
        return;
    };
    assert!(version.status.success());
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    let mut engine = branch(&dumper, false);
    let path = dumper.begin(spec(), &[]).unwrap();
    engine.offer(&batch(0, &[(1_000_000_000, frame(1, 3)), (2_000_000_000, frame(2, 4))]));
    dumper.stop();
    ended(&dumper);

    let told = Command::new("capinfos").args(["-M", "-c", "-t"]).arg(&path).output().unwrap();

    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success(), "{told:?}");
    assert!(text.contains("pcapng") && text.contains('2'), "{text}");
}

#[test]
fn a_filter_a_number_of_packets_and_a_snap_length_are_kept_to() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    let mut engine = branch(&dumper, false);
    let wanted = Spec { filter: "udp port 53".into(), packets: 3, snap_length: 64, ..spec() };
    let Ok(path) = dumper.begin(wanted, &[1]) else {
        panic!("libpcap is needed: tools/apt-packages.txt names it");
    };

    let packets: Vec<_> =
        (0..10).map(|n| (n, frame(if n % 2 == 0 { 53 } else { 80 }, 100))).collect();
    engine.offer(&batch(0, &packets));
    let view = ended(&dumper);

    let read = read(&path);
    assert_eq!(read.packets.iter().map(|one| one.timestamp).collect::<Vec<_>>(), [0, 2, 4]);
    assert!(read.packets.iter().all(|one| one.bytes.len() == 64 && one.length == 146));
    assert_eq!((reason(&view), view.packets, view.seen), (Reason::Packets, 3, 5));
}

#[test]
fn time_ends_it() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    let path = dumper.begin(Spec { duration: Duration::from_millis(1), ..spec() }, &[]).unwrap();

    assert_eq!(reason(&ended(&dumper)), Reason::Duration);
    assert_eq!(read(&path).packets.len(), 0);
}

#[test]
fn the_file_is_never_larger_than_it_may_be() {
    for octets in [4096, 4097, 5000, 70_001] {
        let folder = Scratch::new();
        let dumper = Dumper::new(folder.path("dumps"));
        let mut engine = branch(&dumper, false);
        let path = dumper.begin(Spec { octets, ..spec() }, &[]).unwrap();

        let packets: Vec<_> = (0..200).map(|n| (n, frame(1, 900))).collect();
        engine.offer(&batch(0, &packets));
        let view = ended(&dumper);

        let (read, size) = (read(&path), fs::metadata(&path).unwrap().len());
        assert_eq!(reason(&view), Reason::Octets);
        assert!(size <= octets && size + 1000 > octets, "{size} of {octets}");
        assert_eq!((read.packets.len() as u64, read.early()), (view.packets, None));
    }
}

#[test]
fn what_finds_no_room_is_counted_and_nobody_waits() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    let mut engine = branch(&dumper, false);
    let path = dumper.begin(spec(), &[]).unwrap();

    // More at once than may ever be on the way.
    let one = vec![1; 256 << 10];
    let packets: Vec<_> = (0..128).map(|n| (n, one.clone())).collect();
    engine.offer(&batch(0, &packets));
    engine.offer(&batch(0, &[(500, frame(1, 1))]));
    dumper.stop();
    let view = ended(&dumper);

    assert_eq!((view.dropped, view.packets), (128, 1));
    assert_eq!(read(&path).packets[0].timestamp, 500);
    assert_eq!(read(&path).stats.recorded_drops, 128);
}

#[test]
fn an_engine_that_takes_over_leaves_no_gap_and_nothing_twice() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    let mut old = branch(&dumper, true);
    let path = dumper.begin(spec(), &[]).unwrap();
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.unwrap().as_nanos() as u64
    };

    let before = now();
    let mut new = branch(&dumper, true);
    let after = now();
    // Both capture for a while.
    let both = [(before - 1, frame(1, 1)), (after + 1, frame(2, 2))];
    new.offer(&batch(0, &both));
    old.offer(&batch(0, &both));
    dumper.stop();
    ended(&dumper);

    let mut times: Vec<_> = read(&path).packets.iter().map(|one| one.timestamp).collect();
    times.sort_unstable();
    assert_eq!(times, [before - 1, after + 1]);
}

#[test]
fn names_that_are_no_bare_names_are_refused_with_their_place() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    let long = "a".repeat(101);
    for name in ["", ".", "..", ".x", "-x", "a/b", "../x", "/etc/x", "a b", "a\0b", "ä", &long] {
        let error = refusal(&dumper, Spec { file: name.into(), ..spec() });
        assert_eq!(error.place, "file", "{name:?}");
    }
    assert!(!folder.path("dumps").exists());
    let path = dumper.begin(Spec { file: "a".repeat(100), ..spec() }, &[]).unwrap();
    assert!(path.exists());
}

#[test]
fn a_file_that_is_there_a_link_and_a_folder_of_others_are_left_alone() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    fs::create_dir(folder.path("dumps")).unwrap();
    let target = folder.path("target");
    fs::write(folder.path("dumps").join("there"), "precious").unwrap();
    symlink(&target, folder.path("dumps").join("link")).unwrap();

    for name in ["there", "link"] {
        let error = refusal(&dumper, Spec { file: name.into(), ..spec() });
        assert!(error.what.contains("already"), "{error}");
    }
    assert_eq!(fs::read(folder.path("dumps").join("there")).unwrap(), b"precious");
    assert!(!target.exists());

    fs::set_permissions(folder.path("dumps"), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(refusal(&dumper, spec()).what.contains("others may write"));
    fs::rename(folder.path("dumps"), folder.path("elsewhere")).unwrap();
    symlink(folder.path("elsewhere"), folder.path("dumps")).unwrap();
    assert!(dumper.begin(spec(), &[]).is_err());
}

#[test]
fn what_is_wrong_is_refused_before_there_is_a_file() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));

    let wrong = [
        (Spec { filter: "no such word".into(), ..spec() }, "filter"),
        (Spec { filter: "x".repeat(5000), ..spec() }, "filter"),
        (Spec { duration: Duration::ZERO, ..spec() }, "duration"),
        (Spec { duration: Duration::from_secs(100_000), ..spec() }, "duration"),
        (Spec { octets: 10, ..spec() }, "size"),
        (Spec { octets: u64::MAX, ..spec() }, "size"),
    ];
    for (spec, place) in wrong {
        assert_eq!(refusal(&dumper, spec).place, place);
    }
    // What makes sense of Ethernet only is refused where there is another link.
    let addresses = Spec { filter: "ether host 2:0:0:0:0:1".into(), ..spec() };
    assert_eq!(dumper.begin(addresses, &[1, 101]).unwrap_err().place, "filter");
    assert!(!folder.path("dumps").exists());
}

#[test]
fn one_goes_on_at_a_time_and_then_the_next() {
    let folder = Scratch::new();
    let dumper = Dumper::new(folder.path("dumps"));
    let mut engine = branch(&dumper, false);
    assert!(!dumper.stop());
    dumper.begin(spec(), &[]).unwrap();

    let second = Spec { file: "second".into(), packets: 1, ..spec() };
    assert!(refusal(&dumper, second.clone()).what.contains("some.pcapng"));
    dumper.stop();
    ended(&dumper);
    let path = dumper.begin(second, &[]).unwrap();
    engine.offer(&batch(0, &[(1, frame(1, 1))]));

    assert_eq!(reason(&ended(&dumper)), Reason::Packets);
    assert_eq!(read(&path).packets.len(), 1);
}

#[test]
fn a_full_disk_ends_it_with_the_last_packet_that_is_whole() {
    let folder = Scratch::new();
    let disk = folder.path("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "nf-test"])
        .arg(&disk)
        .output();
    if !mounted.is_ok_and(|one| one.status.success()) {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    }
    let dumper = Dumper::new(disk.join("dumps"));
    let mut engine = branch(&dumper, false);
    let path = dumper.begin(spec(), &[]).unwrap();
    let packets: Vec<_> = (0..2000).map(|n| (n, frame(1, 999))).collect();
    for some in packets.chunks(40) {
        engine.offer(&batch(0, some));
    }
    let view = ended(&dumper);
    let read = read(&path);
    let size = fs::metadata(&path).unwrap().len();
    // Room is left for others, who write configurations there; without any, there is no file.
    let others = fs::write(disk.join("other"), vec![0; 200 << 10]);
    // How much more than that is left depends on how much came together in the last write.
    let all = fs::write(disk.join("all"), vec![0; 1 << 20]);
    let next = dumper.begin(Spec { file: "next".into(), ..spec() }, &[]);
    let nothing = !disk.join("dumps/next").exists();
    Command::new("umount").arg("--lazy").arg(&disk).status().unwrap();

    assert_eq!(reason(&view), Reason::DiskFull);
    assert!(view.end.unwrap().text.contains("disk"));
    assert_eq!((read.early(), read.packets.len() as u64), (None, view.packets));
    assert_eq!(size, view.octets);
    assert!(view.packets > 0);
    others.unwrap();
    assert_eq!(all.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(next.unwrap_err().place, "file");
    assert!(nothing);
}
