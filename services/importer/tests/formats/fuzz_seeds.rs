//! The seeds of the fuzz targets, run as an ordinary test.

use importer::fuzzing;

#[test]
fn every_seed_passes_its_target() {
    for (target, run) in [
        ("hotline_export", fuzzing::hotline_export as fn(&[u8])),
        ("queue_log", fuzzing::queue_log),
        ("cdr", fuzzing::cdr),
        ("cel", fuzzing::cel),
        ("jsonl", fuzzing::jsonl),
    ] {
        let folder = format!("{}/../../fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
        let seeds = std::fs::read_dir(folder).unwrap();
        let mut number = 0;
        for seed in seeds {
            let seed = std::fs::read(seed.unwrap().path()).unwrap();
            run(&seed);
            // And what a cut or a turned bit makes of it.
            for step in (1..seed.len()).step_by(97) {
                run(&seed[..step]);
                let mut turned = seed.clone();
                turned[step] ^= 1 << (step % 8);
                run(&turned);
            }
            number += 1;
        }
        assert!(number > 0, "{target} has seeds");
    }
}
