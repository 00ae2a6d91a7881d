//! The known names nearest to an unknown one.

/// Names longer than this are not compared: the work grows with the product of the lengths.
const LONGEST: usize = 64;
/// Most names suggested.
const MOST: usize = 3;

/// Up to three of `names` that `unknown` may have been meant to be, nearest first: names whose
/// last part it is, then names a few slips of the finger away.
pub(crate) fn nearest(unknown: &str, names: Vec<String>) -> Vec<String> {
    if unknown.is_empty() || unknown.len() > LONGEST {
        return Vec::new();
    }
    let wanted = unknown.to_ascii_lowercase().replace('-', "_");
    let allowed = (wanted.len() / 3).clamp(1, 3);
    let mut found: Vec<(usize, String)> = names
        .into_iter()
        .filter(|name| name.len() <= LONGEST)
        .filter_map(|name| {
            let last = name.rsplit_once('.').is_some_and(|(_, last)| last == wanted);
            let distance = if last { 0 } else { distance(&wanted, &name) };
            (distance <= allowed).then_some((distance, name))
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let at = |row: &[usize], i: usize| row.get(i).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(above.len());
        row.push(i.saturating_add(1));
        for (j, y) in b.iter().enumerate() {
            let left = j.saturating_add(1);
            let replaced = at(&above, j).saturating_add(usize::from(x != y));
            let removed = at(&above, left).saturating_add(1);
            let inserted = at(&row, j).saturating_add(1);
            let mut best = replaced.min(removed).min(inserted);
            let swapped = i > 0
                && j > 0
                && a.get(i.wrapping_sub(1)) == Some(y)
                && b.get(j.wrapping_sub(1)) == Some(x);
            if swapped {
                best = best.min(at(&before, j.wrapping_sub(1)).saturating_add(1));
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    at(&above, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_slips() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("staus", "status"), 1);
        assert_eq!(distance("satus", "status"), 1);
        assert_eq!(distance("sttaus", "status"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    fn of(unknown: &str) -> Vec<String> {
        let names = ["http.status", "http.host", "dns.qname", "src_ip", "gtp_u", "bytes"];
        nearest(unknown, names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_nearest_come_first() {
        assert_eq!(of("http.staus"), ["http.status"]);
        assert_eq!(of("status"), ["http.status"]);
        assert_eq!(of("SRC_IP"), ["src_ip"]);
        assert_eq!(of("gtp-u"), ["gtp_u"]);
        assert_eq!(of("http.hots"), ["http.host"]);
    }

    #[test]
    fn nothing_near_gives_nothing() {
        assert!(of("velocity").is_empty());
        assert!(of("").is_empty());
        assert!(of(&"x".repeat(60_000)).is_empty());
    }
}
