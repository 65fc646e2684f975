//! Tallies as one value: histograms of settled rows, differences in the log of changes, sums of statements.
//!
//! All numbers are variable-length integers of seven bits a byte, lowest first; those that may be negative are
//! zigzag-coded. Of counts and bins only those that are not zero are there, each as its distance from the one before. A
//! count is named by its place among the figures: new ones are added at the end.

use domain::counts::{Bin, Figure, Histogram, HistogramKind, Tally};

use crate::StoreError;

/// Counts, histograms and longest times.
pub(crate) fn pack(tally: &Tally) -> Vec<u8> {
    let mut packed = Vec::with_capacity(48);
    let counts = || {
        let figures = Figure::ALL.iter().enumerate();
        figures.map(|(place, figure)| (place, tally.counts.get(*figure)))
    };
    let counts = || counts().filter(|(_, count)| *count != 0);
    write(&mut packed, counts().count() as u64);
    let mut next = 0;
    for (place, count) in counts() {
        write(&mut packed, (place - next) as u64);
        write(&mut packed, zigzag(count));
        next = place + 1;
    }
    write_histograms(&mut packed, tally);
    for longest_ms in [tally.longest_time_to_answer_ms, tally.longest_time_to_abandon_ms] {
        write(&mut packed, longest_ms.map_or(0, |ms| zigzag(ms) + 1));
    }
    packed
}

/// Reads what [`pack`] gave.
pub(crate) fn unpack(packed: &[u8]) -> Result<Tally, StoreError> {
    let mut reader = Reader(packed);
    let tally = reader.tally().ok_or_else(unreadable)?;
    match reader.0 {
        [] => Ok(tally),
        _ => Err(unreadable()),
    }
}

/// The histograms of a tally and those that are packed already, together.
pub(crate) fn pack_together(tally: &Tally, packed: Option<&[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
    let mut together = Tally {
        time_to_answer: tally.time_to_answer.clone(),
        time_to_abandon: tally.time_to_abandon.clone(),
        ..Tally::default()
    };
    if let Some(packed) = packed {
        add_histograms(&mut together, packed)?;
    }
    Ok(pack_histograms(&together))
}

/// The histograms alone; none without bins.
fn pack_histograms(tally: &Tally) -> Option<Vec<u8>> {
    let has_bins = |kind| tally.histogram(kind).bins().next().is_some();
    HistogramKind::ALL.into_iter().any(has_bins).then(|| {
        let mut packed = Vec::with_capacity(32);
        write_histograms(&mut packed, tally);
        packed
    })
}

/// Adds what [`pack_histograms`] gave.
pub(crate) fn add_histograms(tally: &mut Tally, packed: &[u8]) -> Result<(), StoreError> {
    Reader(packed).add_histograms(tally).ok_or_else(unreadable)
}

fn unreadable() -> StoreError {
    StoreError::Unusable("packed counts that cannot be read".to_owned())
}

fn write_histograms(packed: &mut Vec<u8>, tally: &Tally) {
    for kind in HistogramKind::ALL {
        let histogram: &Histogram = tally.histogram(kind);
        write(packed, histogram.bins().count() as u64);
        let mut last = 0;
        for (bin, visits) in histogram.bins() {
            let edge = bin.edge_seconds();
            write(packed, u64::from(edge.abs_diff(last)));
            write(packed, zigzag(visits));
            last = edge;
        }
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn write(packed: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        packed.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    packed.push(value as u8);
}

/// What is left to read. Everything is none where it ends too early, or says what cannot be.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    #[inline]
    fn number(&mut self) -> Option<u64> {
        // Most numbers are small.
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(u64::from(*byte));
        }
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn tally(&mut self) -> Option<Tally> {
        let mut tally = Tally::default();
        let mut place = 0;
        for _ in 0..self.number()? {
            place += usize::try_from(self.number()?).ok()?;
            tally.counts.add(*Figure::ALL.get(place)?, self.signed()?);
            place += 1;
        }
        self.add_histograms(&mut tally)?;
        tally.longest_time_to_answer_ms = self.longest_ms()?;
        tally.longest_time_to_abandon_ms = self.longest_ms()?;
        Some(tally)
    }

    fn add_histograms(&mut self, tally: &mut Tally) -> Option<()> {
        for kind in HistogramKind::ALL {
            let histogram = tally.histogram_mut(kind);
            let mut edge = 0_i16;
            let bins = self.number()?;
            // Two bytes each, at least.
            histogram.reserve(usize::try_from(bins).ok()?.min(self.0.len() / 2));
            for _ in 0..bins {
                edge = edge.checked_add(i16::try_from(self.number()?).ok()?)?;
                histogram.add(Bin::from_edge(edge)?, self.signed()?);
            }
        }
        Some(())
    }

    fn longest_ms(&mut self) -> Option<Option<i64>> {
        let value = self.number()?;
        Some(value.checked_sub(1).map(|value| (value >> 1).cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally::default();
        tally.counts.add(Figure::Contacts, -3);
        tally.counts.add(Figure::TalkMs, i64::MAX);
        tally.counts.add(Figure::DialerReached, i64::MIN + 1);
        for seconds in [0, 1, 119, 120, 135, 3600, 9999] {
            tally.time_to_answer.add(Bin::of_ms(seconds * 1000), seconds - 60);
        }
        tally.time_to_abandon.add(Bin::ABOVE, 1);
        tally.longest_time_to_answer_ms = Some(0);
        tally
    }

    #[test]
    fn what_is_packed_is_read_again() {
        assert_eq!(unpack(&pack(&tally())).ok(), Some(tally()));
        assert_eq!(unpack(&pack(&Tally::default())).ok(), Some(Tally::default()));
        assert_eq!(pack_histograms(&Tally::default()), None);
        let mut read = tally();
        add_histograms(&mut read, &pack_histograms(&tally()).expect("it has bins")).expect("readable");
        let mut twice = tally();
        twice.time_to_answer.add_all(&tally().time_to_answer, 1);
        twice.time_to_abandon.add_all(&tally().time_to_abandon, 1);
        assert_eq!(read, twice);
    }

    #[test]
    fn what_is_cut_off_or_goes_on_is_refused() {
        let packed = pack(&tally());
        for length in 0..packed.len() {
            assert!(unpack(&packed[..length]).is_err(), "{length} bytes");
        }
        assert!(unpack(&[&packed[..], &[0]].concat()).is_err());
        assert!(unpack(&[0xff; 12]).is_err());
    }
}
