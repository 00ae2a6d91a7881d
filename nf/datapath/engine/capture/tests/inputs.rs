//! Pipes, standard input, growing files.

mod build;

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use build::*;
use nf_capture::{Batch, ErrorKind, Fill, OpenSpec, Source, Status, Why, open};

fn make_pipe(path: &Path) {
    let name = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name ends with a zero and lives through the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

/// Writes content in pieces, each only when the last was taken note of.
fn write_slowly(mut to: File, content: Vec<u8>, piece: usize) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for piece in content.chunks(piece) {
            to.write_all(piece).unwrap();
            thread::yield_now();
        }
    })
}

#[test]
fn a_pipe_gives_what_a_file_does() {
    for content in [pcap_of(Order::Big, MICROSECONDS, 90), pcapng_of(Order::Little, 90)] {
        let expected = read_bytes(&content).unwrap().packets;
        for packed in [content.clone(), gzip(&content), zstd(&content)] {
            for piece in [1, 7, 5000] {
                let scratch = Scratch::new();
                let path = scratch.path("pipe");
                make_pipe(&path);
                let mut source = open(&small(&[&path])).unwrap();
                let to = File::options().write(true).open(&path).unwrap();
                let writer = write_slowly(to, packed.clone(), piece);

                let read = drain(&mut *source).unwrap();

                writer.join().unwrap();
                assert_eq!(read.packets, expected);
                assert_eq!(read.status, Status::Complete);
            }
        }
    }
}

#[test]
fn a_compressed_pipe_may_pause_as_long_as_it_likes() {
    let content = pcap_of(Order::Big, MICROSECONDS, 90);
    for packed in [gzip(&content), zstd(&content)] {
        let scratch = Scratch::new();
        let path = scratch.path("pipe");
        make_pipe(&path);
        let mut source =
            open(&OpenSpec { wait: Duration::from_micros(1), ..small(&[&path]) }).unwrap();
        let mut to = File::options().write(true).open(&path).unwrap();
        let mut packets = 0;
        for piece in packed.chunks(packed.len().div_ceil(3)) {
            to.write_all(piece).unwrap();
            // More looks at the pipe than the decoder would stand.
            let mut idle = 0;
            while idle < 40 {
                let mut batch = Batch::default();
                match source.fill(&mut batch).unwrap() {
                    Fill::Idle => idle += 1,
                    _ => packets += batch.packets().len(),
                }
            }
        }
        drop(to);
        loop {
            let mut batch = Batch::default();
            let fill = source.fill(&mut batch).unwrap();
            packets += batch.packets().len();
            if fill == Fill::End {
                break;
            }
        }

        assert_eq!(packets, read_bytes(&content).unwrap().packets.len());
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_is_idle_and_does_not_block() {
    let scratch = Scratch::new();
    let path = scratch.path("pipe");
    make_pipe(&path);
    let mut source =
        open(&OpenSpec { wait: Duration::from_millis(1), ..OpenSpec::new([&path]) }).unwrap();

    assert_eq!(source.fill(&mut Batch::default()).unwrap(), Fill::Idle);
    assert_eq!(source.status(), &Status::Reading);
    assert_eq!(source.progress().total, None);
}

#[test]
fn a_pipe_that_is_no_capture_is_refused_when_its_bytes_come() {
    let scratch = Scratch::new();
    let path = scratch.path("pipe");
    make_pipe(&path);
    let mut source = open(&small(&[&path])).unwrap();
    let mut to = File::options().write(true).open(&path).unwrap();
    to.write_all(b"hello, world").unwrap();

    let error = source.fill(&mut Batch::default()).unwrap_err();

    assert_eq!(error.kind, ErrorKind::NotACapture);
    assert_eq!(source.fill(&mut Batch::default()).unwrap(), Fill::End);
}

#[test]
fn packets_of_a_pipe_come_before_it_closes() {
    let scratch = Scratch::new();
    let path = scratch.path("pipe");
    make_pipe(&path);
    let mut source = open(&OpenSpec::new([&path])).unwrap();
    let mut to = File::options().write(true).open(&path).unwrap();
    let mut packets = Vec::new();
    let start = Pcap::new(Order::Little, MICROSECONDS);

    to.write_all(&start.clone().packet(1, 0, b"first").bytes).unwrap();
    take_until(&mut *source, &mut packets, 1);
    to.write_all(&start.packet(2, 0, b"second").bytes[24..]).unwrap();
    take_until(&mut *source, &mut packets, 2);
    drop(to);

    assert_eq!(drain_rest(&mut *source), 0);
    assert_eq!(source.status(), &Status::Complete);
    assert_eq!(packets[1].bytes, b"second");
}

fn drain_rest(source: &mut dyn Source) -> usize {
    let mut batch = Batch::default();
    while source.fill(&mut batch).unwrap() != Fill::End {}
    batch.len()
}

/// Runs this test binary again as a reader of its standard input.
fn read_stdin(name: &str, stdin: Stdio) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(READER, "1")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

const READER: &str = "NF_CAPTURE_TEST_READER";

#[test]
fn standard_input_is_read_from_a_pipe_and_from_a_file() {
    let name = "standard_input_is_read_from_a_pipe_and_from_a_file";
    if std::env::var_os(READER).is_some() {
        let read = read(&OpenSpec::new(["-"])).unwrap();
        println!("read {} packets, {:?}", read.packets.len(), read.status);
        return;
    }
    let scratch = Scratch::new();
    let content = pcap_of(Order::Little, MICROSECONDS, 5000);
    for packed in [content.clone(), gzip(&content), zstd(&content)] {
        let path = scratch.file("stdin", &packed);

        let from_file = read_stdin(name, File::open(path).unwrap().into());
        let mut from_pipe = read_stdin(name, Stdio::piped());
        from_pipe.stdin.take().unwrap().write_all(&packed).unwrap();

        for child in [from_file, from_pipe] {
            let output = child.wait_with_output().unwrap();
            let output = String::from_utf8_lossy(&output.stdout);
            assert!(output.contains("read 5000 packets, Complete"), "{output}");
        }
    }
}

#[test]
fn standard_input_is_taken_up_where_another_left_it() {
    use std::io::Seek;
    let name = "standard_input_is_taken_up_where_another_left_it";
    if std::env::var_os(READER).is_some() {
        println!("read {} packets", read(&OpenSpec::new(["-"])).unwrap().packets.len());
        return;
    }
    let scratch = Scratch::new();
    let content = [b"preface".to_vec(), pcap_of(Order::Little, MICROSECONDS, 9)].concat();
    let mut file = File::open(scratch.file("stdin", &content)).unwrap();
    file.seek(std::io::SeekFrom::Start(7)).unwrap();

    let child = read_stdin(name, file.into());

    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("read 9 packets"));
}

#[test]
fn standard_input_is_named_once() {
    let error = open(&OpenSpec::new(["-", "-"])).err().unwrap();

    assert_eq!(error.kind, ErrorKind::Options);
}

fn follow(path: &Path) -> Box<dyn Source> {
    let wait = Duration::from_millis(5);
    open(&OpenSpec { follow: true, wait, ..small(&[path]) }).unwrap()
}

#[test]
fn a_growing_file_is_followed_through_every_cut() {
    let contents = [pcap_of(Order::Big, NANOSECONDS, 12), pcapng_of(Order::Little, 12)];
    for content in contents {
        let expected = read_bytes(&content).unwrap().packets;
        for packed in [content.clone(), gzip(&content), zstd(&content)] {
            let scratch = Scratch::new();
            let path = scratch.file("grows", b"");
            let mut source = follow(&path);
            let (done, written) = mpsc::channel();
            let mut to = File::options().append(true).open(&path).unwrap();
            let writer = thread::spawn(move || {
                for byte in packed {
                    to.write_all(&[byte]).unwrap();
                }
                done.send(()).unwrap();
            });
            let mut packets = Vec::new();

            take_until(&mut *source, &mut packets, expected.len());

            written.recv().unwrap();
            writer.join().unwrap();
            assert_eq!(packets, expected);
            assert_eq!(source.fill(&mut Batch::default()).unwrap(), Fill::Idle);
            assert_eq!(source.status(), &Status::Reading);
        }
    }
}

#[test]
fn a_followed_file_is_idle_at_its_end_and_goes_on_after_it() {
    let scratch = Scratch::new();
    let start = Pcap::new(Order::Little, MICROSECONDS);
    let (first, second) = (start.clone().packet(1, 0, b"1"), start.packet(2, 0, b"2"));
    let (front, back) = second.bytes[24..].split_at(10);
    let path = scratch.file("grows", &[&first.bytes, front].concat());
    let mut source = follow(&path);
    let mut packets = Vec::new();
    let mut batch = Batch::default();

    take_until(&mut *source, &mut packets, 1);
    let between = source.fill(&mut batch).unwrap();
    File::options().append(true).open(&path).unwrap().write_all(back).unwrap();
    take_until(&mut *source, &mut packets, 2);

    assert_eq!((between, batch.blocks().len()), (Fill::Idle, 0));
    assert_eq!(packets[1].bytes, b"2");
}

#[test]
fn a_followed_file_that_shrinks_ends_early() {
    let scratch = Scratch::new();
    let path = scratch.file("shrinks", &pcap_of(Order::Little, MICROSECONDS, 20));
    let mut source = follow(&path);
    take_until(&mut *source, &mut Vec::new(), 20);

    File::options().write(true).open(&path).unwrap().set_len(30).unwrap();

    assert_eq!(drain_rest(&mut *source), 0);
    let Status::EndedEarly(ends) = source.status() else { panic!("{:?}", source.status()) };
    assert_eq!(ends[0].why, Why::Shrank);
}

#[test]
fn a_file_that_is_not_followed_ends_where_it_ends() {
    let scratch = Scratch::new();
    let path = scratch.file("grows", &pcap_of(Order::Little, MICROSECONDS, 20));

    // Were the end waited at, this would not come back.
    let read = read(&OpenSpec { wait: Duration::MAX, ..OpenSpec::new([&path]) }).unwrap();

    assert_eq!((read.packets.len(), read.status), (20, Status::Complete));
}

#[test]
fn what_is_read_of_a_file_is_told_as_it_goes() {
    let scratch = Scratch::new();
    let content = pcap_of(Order::Little, MICROSECONDS, 2000);
    for packed in [content.clone(), gzip(&content)] {
        let path = scratch.file("file", &packed);
        let mut source = open(&small(&[&path])).unwrap();
        let mut batch = Batch::with_capacity(64);
        let mut last = 0;
        while source.fill(&mut batch).unwrap() != Fill::End {
            let progress = source.progress();
            assert!(progress.done >= last);
            assert_eq!(progress.total, Some(packed.len() as u64));
            last = progress.done;
            batch.clear();
        }
        assert_eq!(source.progress().done, packed.len() as u64);
    }
}

#[test]
fn a_file_is_read_where_no_more_of_it_can_be_mapped() {
    let scratch = Scratch::new();
    let content = pcap_of(Order::Big, MICROSECONDS, 40_000);
    let path = scratch.file("file", &content);
    let mut source = open(&small(&[&path])).unwrap();
    let (mut held, mut batch) = (Vec::new(), Batch::with_capacity(64));

    // Every window stays mapped as long as a batch holds it.
    while source.fill(&mut batch).unwrap() != Fill::End {
        held.push(std::mem::replace(&mut batch, Batch::with_capacity(64)));
    }

    assert!(content.len() > 1024 * 4096, "too few windows to run out of them");
    let packets: Vec<_> = held.iter().flat_map(|batch| batch.iter()).collect();
    assert_eq!(packets.len(), 40_000);
    for (n, (packet, bytes)) in packets.iter().enumerate() {
        let n = n as u32;
        assert_eq!(packet.timestamp, u64::from(n + 1) * 1_000_000_000 + u64::from(n) * 1000);
        assert_eq!(*bytes, payload(n));
    }
    assert_eq!(source.progress().done, content.len() as u64);
    assert_eq!(source.status(), &Status::Complete);
}

#[test]
fn blocks_read_are_used_again_once_no_batch_holds_them() {
    let scratch = Scratch::new();
    let content = gzip(&pcap_of(Order::Little, MICROSECONDS, 20_000));
    let path = scratch.file("file", &content);
    let mut source = open(&OpenSpec { block: 65_536, ..OpenSpec::new([&path]) }).unwrap();
    let mut batch = Batch::default();
    let mut places = std::collections::BTreeSet::new();
    while source.fill(&mut batch).unwrap() != Fill::End {
        places.extend(batch.blocks().iter().map(|block| block.bytes().as_ptr() as usize));
        batch.clear();
    }

    assert!(source.stats().captured_bytes > 40 * 65_536);
    assert!(places.len() <= 4, "{} blocks", places.len());
}
