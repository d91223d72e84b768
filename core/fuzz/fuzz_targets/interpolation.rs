#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| caproni::fuzz::interpolation(data));
