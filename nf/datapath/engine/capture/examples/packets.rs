//! Prints time, length and captured length of every packet, as
//! `tshark -T fields -e frame.time_epoch -e frame.len -e frame.cap_len` does, or only counts
//! them: `packets [--count] [--follow] [--bpf FILTER] [--window BYTES] [--block BYTES]
//! FILE…`

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use nf_capture::{Batch, CaptureError, Fill, OpenSpec, Source, Status, open};

fn main() -> ExitCode {
    let mut spec = OpenSpec::default();
    let mut count = false;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--count") => count = true,
            Some("--follow") => spec.follow = true,
            Some("--window") => spec.window = number(arguments.next()).unwrap_or(spec.window),
            Some("--block") => spec.block = number(arguments.next()).unwrap_or(spec.block),
            Some("--bpf") => spec.bpf = arguments.next().and_then(|text| text.into_string().ok()),
            _ => spec.paths.push(argument.into()),
        }
    }
    let began = Instant::now();
    let source = open(&spec).and_then(|mut source| {
        if count { drain(&mut *source) } else { print(&mut *source) }?;
        Ok(source)
    });
    let source = match source {
        Ok(source) => source,
        Err(error) => {
            eprintln!("packets: {error}");
            return ExitCode::FAILURE;
        }
    };
    if count {
        let elapsed = began.elapsed();
        let stats = source.stats();
        println!("{stats:#?}");
        println!(
            "{elapsed:?}, {} ns per packet",
            elapsed.as_nanos() / u128::from(stats.seen.max(1))
        );
    }
    if let Status::EndedEarly(ends) = source.status() {
        for end in ends {
            eprintln!("packets: {end}");
        }
        return ExitCode::from(4);
    }
    ExitCode::SUCCESS
}

fn number(argument: Option<OsString>) -> Option<usize> {
    argument?.to_str()?.parse().ok()
}

fn drain(source: &mut dyn Source) -> Result<(), CaptureError> {
    let mut batch = Batch::default();
    while source.fill(&mut batch)? != Fill::End {
        batch.clear();
    }
    Ok(())
}

fn print(source: &mut dyn Source) -> Result<(), CaptureError> {
    let mut batch = Batch::default();
    let mut out = BufWriter::new(io::stdout().lock());
    loop {
        let fill = source.fill(&mut batch)?;
        for packet in batch.packets() {
            let (seconds, rest) =
                (packet.timestamp / 1_000_000_000, packet.timestamp % 1_000_000_000);
            let written =
                writeln!(out, "{seconds}.{rest:09}\t{}\t{}", packet.length, packet.captured);
            if written.is_err() {
                return Ok(()); // nobody reads any more
            }
        }
        batch.clear();
        if fill == Fill::End {
            return Ok(());
        }
        if fill == Fill::Idle && out.flush().is_err() {
            return Ok(());
        }
    }
}
