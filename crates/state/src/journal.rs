//! Appending to the journal: appends that wait together share one write and one fsync.
//!
//! One task writes, so batches follow each other and a crash can tear the last only. After the first
//! failure nothing more is written: a good line must never stand behind a torn one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::disk::work_on_files;
use crate::journal_file::{Chain, to_json};
use crate::replay::Steps;
use crate::{Record, StateError};

/// How many records one batch holds at most.
const BATCH_MAX: usize = 256;

/// Where lines go; returns when they are durable.
pub(crate) trait Sink: Send + 'static {
    /// Writes one line.
    fn write(&mut self, line: &[u8]) -> Result<(), StateError>;

    /// Whether writing never waits, see [`crate::Disk::never_waits`].
    fn never_waits(&self) -> bool;
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    sender: Sender,
    next_sequence: AtomicU64,
    syncs: Arc<AtomicU64>,
}

pub(crate) type Answer = Result<(), StateError>;
pub(crate) type Sender = mpsc::Sender<Request>;

/// What is asked of the writing task.
#[derive(Debug)]
pub(crate) enum Request {
    /// Make a record durable.
    Append(Box<Record>, oneshot::Sender<Answer>),
    /// End the journal; refused while an intent is open.
    End(oneshot::Sender<Answer>),
    /// Stop writing, so that another task can go on.
    Stop(oneshot::Sender<Answer>),
}

impl Journal {
    /// Starts the task that writes what follows `steps`.
    pub(crate) fn start(sink: impl Sink, chain: Chain, steps: Steps) -> (Self, Sender) {
        let (sender, requests) = mpsc::channel(BATCH_MAX);
        let syncs = Arc::new(AtomicU64::new(0));
        let next_sequence = AtomicU64::new(steps.next_sequence());
        let writer = Writer { sink: Box::new(sink), chain, steps, failed: None };
        tokio::spawn(write_batches(writer, requests, Arc::clone(&syncs)));
        (Self { sender: sender.clone(), next_sequence, syncs }, sender)
    }

    /// Appends a record; it is durable when this returns.
    pub async fn append(&self, record: Record) -> Result<(), StateError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Append(Box::new(record), answer);
        self.sender.send(request).await.map_err(|_| StateError::JournalEnded)?;
        answered.await.map_err(|_| StateError::JournalEnded)?
    }

    /// A number for an intent that no other in this journal has, nor had in the runs before.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// How many times the journal was made durable.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }
}

/// Closes a journal with [`Request::End`] or [`Request::Stop`]; appends that come later are refused.
pub(crate) async fn close(
    sender: &Sender,
    how: impl FnOnce(oneshot::Sender<Answer>) -> Request,
) -> Result<(), StateError> {
    let (answer, answered) = oneshot::channel();
    match sender.send(how(answer)).await {
        Ok(()) => answered.await.unwrap_or(Ok(())),
        // It was closed before.
        Err(_) => Ok(()),
    }
}

struct Writer {
    sink: Box<dyn Sink>,
    chain: Chain,
    steps: Steps,
    failed: Option<StateError>,
}

impl Writer {
    /// Writes a batch, and gives each record its answer. A record that may not follow is left out.
    fn write(&mut self, records: &[Record]) -> Vec<Answer> {
        if let Some(error) = &self.failed {
            return vec![Err(error.clone()); records.len()];
        }
        let mut answers: Vec<Answer> = records.iter().map(|record| self.steps.take(record)).collect();
        let legal = records.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
        let lines: Vec<Vec<u8>> = legal.map(|(record, _)| to_json(record)).collect();
        if lines.is_empty() {
            return answers;
        }
        if let Err(error) = self.sink.write(&self.chain.line(&lines)) {
            self.failed = Some(error.clone());
            answers
                .iter_mut()
                .filter(|answer| answer.is_ok())
                .for_each(|answer| *answer = Err(error.clone()));
        }
        answers
    }

    /// Whether everything that was begun has ended, durably.
    fn ended(&self) -> Answer {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => self.steps.expect_ended(),
        }
    }
}

/// The writing task: takes what waits, writes it, answers.
async fn write_batches(mut writer: Writer, mut requests: mpsc::Receiver<Request>, syncs: Arc<AtomicU64>) {
    let mut waiting = Vec::with_capacity(BATCH_MAX);
    while requests.recv_many(&mut waiting, BATCH_MAX).await > 0 {
        let mut batch = Batch::default();
        waiting.drain(..).for_each(|request| batch.add(request));
        if !batch.records.is_empty() {
            let Some(back) = write_batch(writer, &mut batch, &syncs).await else { return };
            writer = back;
        }
        if batch.close(&writer) {
            return;
        }
    }
}

/// Makes a batch durable and answers its appends; `None` if writing panicked, which only a bug does.
async fn write_batch(mut writer: Writer, batch: &mut Batch, syncs: &AtomicU64) -> Option<Writer> {
    let records = std::mem::take(&mut batch.records);
    let never_waits = writer.sink.never_waits();
    let work = move || {
        let answers = writer.write(&records);
        (writer, answers)
    };
    let (writer, answers) = work_on_files(never_waits, work).await.ok()?;
    syncs.fetch_add(1, Ordering::Relaxed);
    for (sender, answer) in batch.appends.drain(..).zip(answers) {
        // Whoever gave up waiting needs no answer.
        let _ = sender.send(answer);
    }
    Some(writer)
}

/// Requests that waited together.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    appends: Vec<oneshot::Sender<Answer>>,
    ends: Vec<oneshot::Sender<Answer>>,
    stops: Vec<oneshot::Sender<Answer>>,
}

impl Batch {
    fn add(&mut self, request: Request) {
        match request {
            Request::Append(record, answer) => {
                self.records.push(*record);
                self.appends.push(answer);
            }
            Request::End(answer) => self.ends.push(answer),
            Request::Stop(answer) => self.stops.push(answer),
        }
    }

    /// Answers those who want to close the journal; whether it is closed.
    fn close(self, writer: &Writer) -> bool {
        let ended = writer.ended();
        let closed = !self.stops.is_empty() || (!self.ends.is_empty() && ended.is_ok());
        for sender in self.ends {
            let _ = sender.send(ended.clone());
        }
        for sender in self.stops {
            let _ = sender.send(Ok(()));
        }
        closed
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;
    use crate::{Run, journal_file};

    /// A disk with room for some lines, that keeps what it is given.
    #[derive(Clone)]
    struct Disk {
        lines: Arc<Mutex<Vec<Vec<u8>>>>,
        room: usize,
    }

    impl Sink for Disk {
        fn write(&mut self, line: &[u8]) -> Result<(), StateError> {
            let mut lines = self.lines.lock().expect("no panic elsewhere");
            if lines.len() == self.room {
                return Err(StateError::io("writing", "journal", io::ErrorKind::StorageFull.into()));
            }
            lines.push(line.to_vec());
            Ok(())
        }

        fn never_waits(&self) -> bool {
            false
        }
    }

    fn begin() -> Record {
        Record::Begin(Run::default())
    }

    fn start(room: usize) -> (Journal, Sender, Disk) {
        let disk = Disk { lines: Arc::default(), room };
        let (_, chain) = journal_file::begin(&[to_json(&begin())]);
        let mut steps = Steps::default();
        steps.take(&begin()).expect("a begin");
        let (journal, sender) = Journal::start(disk.clone(), chain, steps);
        (journal, sender, disk)
    }

    #[tokio::test]
    async fn after_a_failed_write_nothing_more_is_written() {
        let (journal, sender, mut disk) = start(1);
        journal.append(begin()).await.expect("room for one");
        assert!(journal.append(begin()).await.expect_err("a full disk").is_out_of_space());
        disk.room = 9;
        assert!(journal.append(begin()).await.expect_err("still refused").is_out_of_space());
        assert!(close(&sender, Request::End).await.expect_err("not ended").is_out_of_space());
        assert_eq!(disk.lines.lock().expect("no panic elsewhere").len(), 1);
    }

    #[tokio::test]
    async fn appends_that_wait_make_one_line() {
        let (journal, _, disk) = start(99);
        let appends = (0..20).map(|_| journal.append(begin()));
        let answers = futures_util::future::join_all(appends).await;
        assert!(answers.iter().all(Result::is_ok));
        assert!(journal.syncs() <= 2);
        journal.append(begin()).await.expect("room for more");
        journal.append(begin()).await.expect("room for more");
        assert!(journal.syncs() >= 3);
        assert_eq!(disk.lines.lock().expect("no panic elsewhere").len() as u64, journal.syncs());
    }

    #[tokio::test(start_paused = true)]
    async fn paused_time_stands_still_while_the_disk_works() {
        let (journal, _, _) = start(99);
        let begun = tokio::time::Instant::now();
        let wait = tokio::time::timeout(std::time::Duration::from_secs(1), journal.append(begin()));
        wait.await.expect("no timeout").expect("an append");
        assert_eq!(begun.elapsed(), std::time::Duration::ZERO);
    }
}
