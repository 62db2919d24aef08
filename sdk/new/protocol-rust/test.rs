//! Tries logic.rs on logs of a pair: `make test`. Each line of the fixture is a log's topic and data.
#[path = "sdk/hawse.rs"]
mod hawse;
#[path = "sdk/library.rs"]
mod library;
mod logic;

fn main() {
    let fixture = std::fs::read_to_string("fixture.txt").expect("fixture.txt");
    let sync = library::keccak256(logic::SYNC);
    let (mut states, mut others, mut broken, mut sum) = (0, 0, 0, 0);
    for line in fixture.lines() {
        let (topic, data) = line.split_once(' ').expect("two words");
        let mut log: hawse::hawse_evm_log = unsafe { core::mem::zeroed() };
        let mut bytes = [0; 1024];
        log.topic_count = 1;
        library::hex_fixed(topic.as_bytes(), &mut log.topics[0]).expect("a topic");
        let len = library::hex_data(data.as_bytes(), &mut bytes).expect("data");
        match logic::read_sync(&sync, &log, &bytes[..len]) {
            Ok(Some(state)) => {
                states += 1;
                sum += state.reserve0.limb[0] + state.reserve1.limb[0];
            }
            Ok(None) => others += 1,
            Err(_) => broken += 1,
        }
    }
    println!("{states} states, {others} other events, {broken} that are none");
    let good = states == 2 && others == 1 && broken == 1 && sum == 1000 + 2000 + 900 + 2223;
    std::process::exit(!good as i32);
}
