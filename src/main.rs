fn main() -> std::process::ExitCode {
    confidexmon::cli::main()
}
