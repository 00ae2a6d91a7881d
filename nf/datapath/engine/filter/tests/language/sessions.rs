//! A session's transactions seen one by one, with one bit kept for each leaf.

use nf_fields::Value;

use crate::record::parse;

/// Whether `text` holds for a session whose transactions have these values in slot 1 (`small`).
fn holds(text: &str, transactions: &[u64]) -> bool {
    let filter = parse(text).unwrap();
    let mut bits = vec![false; filter.leaves().len()];
    for value in transactions {
        for (bit, leaf) in bits.iter_mut().zip(filter.leaves()) {
            *bit |= leaf.slots() == [1] && leaf.test(Value::Uint(*value));
        }
    }
    let kept = filter.evaluate(&mut |leaf| bits[leaf]);
    // All values at once must give the same answer.
    let at_once = filter.matches(&mut |slot, found| {
        if slot == 1 {
            transactions.iter().for_each(|value| found(Value::Uint(*value)));
        }
    });
    assert_eq!(kept, at_once, "{text} on {transactions:?}");
    kept
}

#[test]
fn one_passing_transaction_is_enough() {
    assert!(holds("small >= 50", &[20, 51]));
    assert!(!holds("small >= 50", &[20, 40]));
    assert!(!holds("small >= 50", &[]));
}

#[test]
fn unequal_speaks_of_all_transactions() {
    assert!(holds("small != 20", &[21, 22]));
    assert!(!holds("small != 20", &[20, 51]));
    assert!(!holds("small != 20", &[]));
    assert!(holds("not small == 20", &[]));
}

#[test]
fn different_transactions_may_pass_different_tests() {
    assert!(holds("small == 20 and small == 51", &[20, 51]));
}
