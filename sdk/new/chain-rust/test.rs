//! Tries logic.rs on what a node has sent: `make test`.
#[path = "sdk/hawse.rs"]
mod hawse;
#[path = "sdk/library.rs"]
mod library;
mod logic;

fn main() {
    let fixture = std::fs::read_to_string("fixture.ndjson").expect("fixture.ndjson");
    let (mut heads, mut others, mut broken, mut last) = (0, 0, 0, 0);
    for line in fixture.lines() {
        let mut text = line.as_bytes().to_vec();
        text.resize(line.len() + hawse::HAWSE_PADDING as usize, 0);
        let mut marks = [0; 512];
        match unsafe { logic::read_head(&text[..line.len()], &mut marks) } {
            Ok(Some(block)) => {
                heads += (last == 0 || block.number == last + 1) as i32;
                last = block.number;
            }
            Ok(None) => others += 1,
            Err(_) => broken += 1,
        }
    }
    println!("{heads} heads in order, {others} other messages, {broken} that are none");
    std::process::exit(!(heads == 3 && others == 1 && broken == 1) as i32);
}
