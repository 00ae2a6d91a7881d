//! The engine without Python, for measuring and for fuzzing: reads files, writes rows as JSON
//! Lines, and the account to standard error.
//!
//! `nf-engine [--threads N] [--report session,transaction] [--where EXPR] [--risks] [--quiet] FILE…`

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nf_core::config::EngineConfig;
use nf_core::engine::Engine;
use nf_core::format::{Columns, jsonl};
use nf_core::row::{Row, What};

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("nf-engine: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: impl Iterator<Item = String>) -> Result<(), String> {
    let mut config = EngineConfig::default();
    let mut quiet = false;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--threads" => {
                config.threads = value()?.parse().map_err(|e| format!("--threads: {e}"))?
            }
            "--report" => config.reports = value()?.split(',').map(str::to_string).collect(),
            "--where" => config.filter = value()?,
            "--risks" => config.risks = true,
            "--quiet" => quiet = true,
            file => config.files.push(file.to_string()),
        }
    }
    let begun = Instant::now();
    let mut engine = Engine::open(&config).map_err(|e| e.to_string())?;
    let mut out = std::io::stdout().lock();
    let mut text = Vec::new();
    loop {
        let polled = engine.poll(1024, Duration::from_secs(1)).map_err(|e| e.to_string())?;
        if !quiet && !polled.rows.is_empty() {
            text.clear();
            let snapshot = &polled.snapshot;
            let usual = |report| Columns::usual(report, snapshot);
            let (sessions, transactions) = (usual("session"), usual("transaction"));
            let is_transaction = |row: &Row| matches!(row.what, What::Transaction { .. });
            for rows in polled.rows.chunk_by(|a, b| is_transaction(a) == is_transaction(b)) {
                let columns = match rows.first() {
                    Some(row) if is_transaction(row) => &transactions,
                    _ => &sessions,
                };
                jsonl::write(&mut text, rows, columns, snapshot);
            }
            out.write_all(&text).map_err(|e| e.to_string())?;
        }
        if polled.over {
            break;
        }
    }
    let stats = engine.stats();
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("{:?}", stats.account);
    eprintln!("sessions {} tally {:?}", stats.sessions, stats.tally);
    eprintln!("{seconds:.3} s, {:.3} Mpps", stats.account.seen as f64 / seconds / 1e6);
    if let Some(why) = &stats.ended_early {
        eprintln!("{why}");
    }
    stats.account.check()
}
