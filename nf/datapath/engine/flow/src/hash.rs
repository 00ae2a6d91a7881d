//! A keyed hash for session keys: folded 128-bit multiplications over a secret seed, so that a
//! sender cannot aim sessions at one bucket.

use crate::SessionKey;

/// The seed of a run. Secret in use, fixed in tests.
#[derive(Clone, Copy, Debug)]
pub struct KeyHasher {
    seed: [u64; 2],
}

impl KeyHasher {
    /// A hasher with the given seed.
    pub fn with_seed(a: u64, b: u64) -> Self {
        // A zero factor would fold everything to zero.
        Self { seed: [a | 1, b | 1] }
    }

    /// A hasher with a seed of the operating system's randomness.
    pub fn random() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let word = |n: u64| RandomState::new().hash_one(n);
        Self::with_seed(word(1), word(2))
    }

    /// The hash of `key`: equal for both directions.
    #[inline]
    pub fn hash(&self, key: &SessionKey) -> u64 {
        let [a, b] = self.seed;
        let [w0, w1, w2, w3, w4, w5] = key.words();
        // Three pairs folded under different secrets, then mixed once more.
        let x = fold(w0 ^ a, w1 ^ b);
        let y = fold(w2 ^ a.rotate_left(21), w3 ^ b.rotate_left(37));
        let z = fold(w4 ^ a.rotate_left(42), w5 ^ b.rotate_left(11));
        fold(x ^ y.rotate_left(23) ^ b, z ^ a)
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may overflow and fail")]
mod tests {
    use super::*;
    use crate::KeyOptions;
    use nf_wire::IpLayer;

    fn key(host: u32, port: u16) -> SessionKey {
        let mut frame = vec![0u8; 20];
        frame[12..16].copy_from_slice(&host.to_be_bytes());
        frame[16..20].copy_from_slice(&[192, 0, 2, 1]);
        let ip = IpLayer {
            version: 4,
            protocol: 17,
            src_port: port,
            dst_port: 53,
            ..IpLayer::default()
        };
        SessionKey::new(&frame, &ip, 0, KeyOptions::default()).unwrap().0
    }

    #[test]
    fn neighbouring_keys_spread_over_buckets() {
        let hasher = KeyHasher::with_seed(0x1234_5678_9abc_def0, 0x0fed_cba9_8765_4321);
        let mut buckets = vec![0u32; 1024];

        for n in 0..65_536u32 {
            let hash = hasher.hash(&key(0x0a00_0000 | n >> 4, (n & 15) as u16 + 1024));
            buckets[(hash & 1023) as usize] += 1;
        }

        // 64 expected per bucket; a Poisson tail beyond 8 sigma would mean structure.
        assert!(buckets.iter().all(|&n| (0..=128).contains(&n)), "{buckets:?}");
        assert!(buckets.iter().filter(|&&n| n == 0).count() == 0);
    }

    #[test]
    fn seeds_make_different_hashes() {
        let (a, b) = (KeyHasher::with_seed(3, 5), KeyHasher::with_seed(5, 9));
        let same = (0..1000).filter(|&n| a.hash(&key(n, 1)) & 0xff == b.hash(&key(n, 1)) & 0xff);
        assert!(same.count() < 40);
    }
}
