#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| caproni_driver_kind::fuzz::kind(data));
