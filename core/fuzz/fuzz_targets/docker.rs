#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| caproni_engine::fuzz::docker(data));
