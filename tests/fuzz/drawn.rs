//! Inputs that are drawn: the same ones on each machine. Those that libFuzzer comes to depend on the compiler, too, whose
//! instructions it counts.

use std::panic::{set_hook, take_hook};
use std::sync::{Mutex, OnceLock};

use super::random::Random;

/// Octets of an input at most.
const MOST: usize = 2_048;

/// Octets at which something changes, in a length, in flags or in a character.
const EDGES: [u8; 12] = [0, 1, 2, 4, 0x20, 0x30, 0x36, 0x7F, 0x80, 0xC0, 0xED, 0xFF];

/// What is tried now.
static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Tries what libFuzzer gives, and with DRAWS in the environment as many inputs that are made of it. The first one that fails is
/// kept in the file `drawn`.
pub fn with_others(octets: &[u8], target: impl Fn(&[u8])) {
    static DRAWS: OnceLock<usize> = OnceLock::new();
    target(octets);
    let draws = *DRAWS.get_or_init(|| std::env::var("DRAWS").map_or(0, |text| text.parse().expect("DRAWS")));
    if draws == 0 {
        return;
    }
    let hook = take_hook();
    set_hook(Box::new(move |panic| {
        std::fs::write("drawn", &*INPUT.lock().expect("an input")).expect("a file");
        // It ends the process.
        hook(panic);
    }));
    let mut random =
        Random::new(octets.iter().fold(1, |sum: u64, &octet| sum.wrapping_mul(257).wrapping_add(octet.into())));
    for _ in 0..draws {
        let input = draw(octets, &mut random);
        INPUT.lock().expect("an input").clone_from(&input);
        target(&input);
    }
}

/// An input: the seed with some changes, or nothing of it.
fn draw(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut input = seed.to_vec();
    if random.one_in(4) {
        input = (0..random.below(seed.len() * 2 + 8)).map(|_| random.octet()).collect();
    }
    for _ in 0..=random.below(8) {
        let at = random.below(input.len() + 1);
        let end = input.len().min(at + 1 + random.below(8));
        match random.below(5) {
            0 => drop(input.drain(at..end)),
            1 => input.splice(at..at, (0..=random.below(8)).map(|_| random.octet()).collect::<Vec<_>>()).for_each(drop),
            2 => {
                let part = input[at..end].to_vec();
                let to = random.below(input.len() + 1);
                input.splice(to..to, part).for_each(drop);
            }
            3 => input[at..end].fill_with(|| EDGES[random.below(EDGES.len())]),
            _ => input[at..end].fill_with(|| random.octet()),
        }
    }
    input.truncate(MOST);
    input
}
