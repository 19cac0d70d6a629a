//! The program `trinityc`.

fn main() -> std::process::ExitCode {
    trinity_aot::driver::main(std::env::args_os())
}
