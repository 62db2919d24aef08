/*
 * The commands and their options, each named once: help, the man pages and the shells' completion
 * are made of these two tables.
 */
#include "app/commands.h"

#include <stddef.h>

const struct option_line option_table[OPTIONS] = {
    [OPT_SET] = {"set", "PATH=VALUE", "change one value of the configuration; may be repeated", 0},
    [OPT_PATH] = {"path", "DIR", "the folder to look in, instead of the installed one",
                  offsetof(struct arguments, path)},
    [OPT_SOCKET] = {"socket", "PATH",
                    "the control socket; else $HAWSE_CONTROL, else ./control.sock",
                    offsetof(struct arguments, socket)},
    [OPT_LISTEN] = {"listen", "HOST:PORT", "a loopback address; else 127.0.0.1:18545",
                    offsetof(struct arguments, listen)},
    [OPT_SPEED] = {"speed", "N", "so many times faster than recorded; max: without pauses",
                   offsetof(struct arguments, speed)},
    [OPT_LANES] = {"lanes", "N", "threads that share the instances, up to 16; else 1",
                   offsetof(struct arguments, lanes)},
    [OPT_ISOLATION] = {"isolation", "WHERE",
                       "run the plugins here (none), in workers (process), or in workers that spin "
                       "(spin)",
                       offsetof(struct arguments, isolation)},
    [OPT_JSON] = {"json", NULL, "for programs", offsetof(struct arguments, json)},
    [OPT_STRICT] = {"strict", NULL, "do not start when any plugin is refused",
                    offsetof(struct arguments, strict)},
    [OPT_SAFE] = {"safe", NULL, "leave out plugin files that crashed an earlier run",
                  offsetof(struct arguments, safe)},
    [OPT_QUIET] = {"quiet", NULL, "log errors and warnings only",
                   offsetof(struct arguments, quiet)},
    [OPT_VIEW] = {"view", NULL, "show status live instead of the log; needs a terminal",
                  offsetof(struct arguments, view)},
    [OPT_ONCE] = {"once", NULL, "print two frames, a second apart, and end",
                  offsetof(struct arguments, once)},
    [OPT_RECORD] = {"record", "FILE", "record to this capture, as record.file does",
                    offsetof(struct arguments, record)},
    [OPT_OUT] = {"out", "FILE", "write to this file: what the plugins do now, or the page",
                 offsetof(struct arguments, out)},
    [OPT_FROM] = {"from", "S", "seconds since the beginning; what is before is not judged",
                  offsetof(struct arguments, from)},
    [OPT_TO] = {"to", "S", "end there", offsetof(struct arguments, to)},
    [OPT_PLUGIN] = {"plugin", "ID=FILE",
                    "use this plugin file for the instance; may be repeated; for reload the file "
                    "alone",
                    0},
    [OPT_CHAIN_TIME] = {"chain-time", NULL, "time as blocks say, not the clock",
                        offsetof(struct arguments, chain_time)},
    [OPT_DIFF] = {"diff", NULL, "compare two captures", offsetof(struct arguments, diff)},
    [OPT_DIR] = {"dir", "DIR", "the folder of key files; else $HAWSE_KEYS, else ./keys",
                 offsetof(struct arguments, dir)},
    [OPT_KIND] = {"kind", "KIND", "secp256k1 (EVM chains; also when left out) or ed25519 (Solana)",
                  offsetof(struct arguments, kind)},
    [OPT_CHAIN] =
        {"chain", "CHAIN",
         "lock the key to this chain: an EVM id, solana:mainnet, or a CAIP-2 name; may be repeated",
         0},
    [OPT_TESTNET_ONLY] = {"testnet-only", NULL,
                          "the key never signs for a chain that holds real money",
                          offsetof(struct arguments, testnet_only)},
    [OPT_COST] = {"cost", "COST",
                  "of guessing a passphrase: interactive, moderate (also when left out), sensitive",
                  offsetof(struct arguments, cost)},
    [OPT_FORMAT] = {"format", "FORMAT",
                    "v3 (Ethereum keystore), hex, solana; else what it looks like",
                    offsetof(struct arguments, format)},
    [OPT_PASSPHRASE_FROM] =
        {"passphrase-from", "SOURCE",
         "prompt (also when left out), file:PATH, env:NAME, credential:NAME (of systemd)",
         offsetof(struct arguments, passphrase_from)},
    [OPT_PASSPHRASE_FILE] = {"passphrase-file", "FILE", "the same as --passphrase-from file:FILE",
                             offsetof(struct arguments, passphrase_file)},
    [OPT_NEW_FROM] = {"new-passphrase-from", "SOURCE", "where the new passphrase is",
                      offsetof(struct arguments, new_from)},
    [OPT_IMPORT_FROM] = {"import-passphrase-from", "SOURCE",
                         "where the passphrase of the imported file is",
                         offsetof(struct arguments, import_from)},
    [OPT_WHY] = {"why", "TEXT", "the reason, for the journal and for whoever looks at the status",
                 offsetof(struct arguments, why)},
    [OPT_CLIENT_UID] = {"client-uid", "UID",
                        "let this user's processes ask for signatures, beside our own and root's",
                        offsetof(struct arguments, client_uid)},
    [OPT_INSTANCE] = {"instance", "ID", "of this instance alone",
                      offsetof(struct arguments, instance)},
    [OPT_INTENT] = {"intent", "N", "of the intent of this number alone",
                    offsetof(struct arguments, intent)},
    [OPT_ID] = {"id", "KEY", "of intents with this idempotency key alone",
                offsetof(struct arguments, id)},
    [OPT_SINCE] =
        {"since", "TIME",
         "from then on: 2026-01-31, 2026-01-31T12:00:00Z (UTC), or so long ago: 15m, 2h, 7d",
         offsetof(struct arguments, since)},
    [OPT_UNTIL] = {"until", "TIME", "before then", offsetof(struct arguments, until)},
    [OPT_STEP] = {"step", "STEP", "this step alone: SENT, CONFIRMED, REFUSED ...",
                  offsetof(struct arguments, step)},
    [OPT_HEAD] = {"head", "SEQ:HASH", "a head that was noted earlier and must be in the chain",
                  offsetof(struct arguments, head)},
    [OPT_FORCE] = {"force", NULL, "put the copy in the place of what is newer, which is kept",
                   offsetof(struct arguments, force)},
    [OPT_CASE] = {"case", "N", "only these cases: 203, or 203,205, or all of a level: L2",
                  offsetof(struct arguments, cases)},
    [OPT_SEED] = {"seed", "N", "what events are made from; the same seed makes the same again",
                  offsetof(struct arguments, seed)},
    [OPT_SETTINGS] = {"settings", "FILE",
                      "the instance's settings; else made from the manifest's schema",
                      offsetof(struct arguments, settings)},
    [OPT_LIST] = {"list", NULL, "name the cases and why they are there",
                  offsetof(struct arguments, list)},
    [OPT_LANG] = {"lang", "LANG", "c (also when left out), cpp or rust",
                  offsetof(struct arguments, lang)},
    [OPT_HOST] = {"host", NULL, "try a host instead, this one or PROGRAM, with broken plugins",
                  offsetof(struct arguments, host)},
    [OPT_RECORDING] = {"recording", "CAPTURE",
                       "also play what this plugin met in a capture, in each tier of isolation",
                       offsetof(struct arguments, recording)},
    [OPT_OF] = {"of", "WHAT", "contract: a venue whose trades are in the logs of a contract",
                offsetof(struct arguments, of)},
    [OPT_CONFIG] = {"config", "FILE",
                    "start what the instance needs of this configuration, and end after the verb",
                    offsetof(struct arguments, config)},
    [OPT_LIVE] = {"live", NULL,
                  "with --config: unlock keys and keep modes as configured; else nothing is signed",
                  offsetof(struct arguments, live)},
    [OPT_ALLOW_DIFF] = {"allow-diff", "N",
                        "callbacks of the recording in which it may decide otherwise; else 0; "
                        "any: do not compare",
                        offsetof(struct arguments, allow_diff)},
    [OPT_SHADOW] = {"shadow", "CAPTURE", "compare with this recording, not the one under way",
                    offsetof(struct arguments, shadow)},
    [OPT_LIMIT] = {"limit", "MS", "how long events may wait; else 50",
                   offsetof(struct arguments, limit)},
    [OPT_TIMEOUT] = {"timeout", "SECONDS",
                     "how long the verb may take, else 30; the comparison of a reload, else 60",
                     offsetof(struct arguments, timeout)},
    [OPT_JUNIT] = {"junit", NULL, "as JUnit's XML", offsetof(struct arguments, junit)},
};

const struct command commands[] = {
    {"run", "CONFIG [--set PATH=VALUE]... [--record FILE] [--view] [--strict] [--safe] [--quiet]",
     "run the configured plugins until SIGTERM or Ctrl-C",
     "SIGTERM and SIGINT stop gracefully, within stop_deadline_ms; SIGHUP reads the configuration\n"
     "again and applies it as a whole or not at all; SIGUSR1 is the kill switch of intents. Core\n"
     "dumps are off: secrets are in memory.",
     OPT(OPT_SET) | OPT(OPT_VIEW) | OPT(OPT_STRICT) | OPT(OPT_SAFE) | OPT(OPT_QUIET) |
         OPT(OPT_RECORD),
     1, command_run},
    {"plugins", "[CONFIG] [--path DIR] [--json] | release DIGEST CONFIG",
     "list plugin files with what they say of themselves, or why they are refused",
     "Runs none of their code. With CONFIG: the folders it searches. `release` takes a file off "
     "the\n"
     "quarantine list, on which a crash or a hang puts it. Exit code 1: a file is refused.",
     OPT(OPT_SET) | OPT(OPT_PATH) | OPT(OPT_JSON), 3, command_plugins},
    {"config", "check CONFIG | explain CONFIG [PATH] | schema [--set PATH=VALUE]... [--json]",
     "check a configuration, show its effective values and where they come from",
     "check looks at plugin files too, without running them; exit code 2: the configuration is "
     "wrong,\n"
     "1: an instance would be refused. explain shows secrets as ***. schema prints the format.",
     OPT(OPT_SET) | OPT(OPT_JSON), 3, command_config},
    {"doctor", "CONFIG [--set PATH=VALUE]... [--json]",
     "look at everything that a configuration needs: this machine, plugin files, every address",
     "Asks each address a few questions and sends no transaction: chain, newest block, delay, "
     "methods,\n"
     "subscriptions, certificate. Each finding says what to change. Exit code 1: something is bad.",
     OPT(OPT_SET) | OPT(OPT_JSON), 1, command_doctor},
    {"status", "[--socket PATH] [--json]", "what a running hawse does",
     "Exit code 1: it does not answer, or it is not ready; the reasons are shown.",
     OPT(OPT_SOCKET) | OPT(OPT_JSON), 0, command_status},
    {"top", "[--socket PATH] [--once]", "the same, live", "Ctrl-C ends it.",
     OPT(OPT_SOCKET) | OPT(OPT_ONCE), 0, command_top},
    {"intents", "[--socket PATH] [--json]", "what a running hawse wants done, and how far it is",
     "Chains, accounts, and open intents with each of their transactions.",
     OPT(OPT_SOCKET) | OPT(OPT_JSON), 0, command_intents},
    {"send", "INSTANCE FILE [--socket PATH]",
     "propose one intent in the name of an instance, through all its gates and limits",
     "FILE (- is the standard input) holds it as JSON: id, chain, account, calls. The id is taken\n"
     "once for ever. `hawse intents` and `hawse journal` say what becomes of it.",
     OPT(OPT_SOCKET), 2, command_send},
    {"call", "[INSTANCE [VERB [ARGS]...]] [--config FILE] [--timeout SECONDS] [--json]",
     "call a verb that a plugin offers; without one, list them",
     "ARGS: NAME=VALUE, --NAME=VALUE, --NAME for a flag, or values in the order that the list "
     "shows.\n"
     "Exit code: the verb's own, 0 to 63; 64: whether it was done is not known, since its time was "
     "up\n"
     "or hawse ended. Words behind -- are arguments whatever they look like.",
     PASSES_ON | OPT(OPT_SOCKET) | OPT(OPT_CONFIG) | OPT(OPT_SET) | OPT(OPT_LIVE) |
         OPT(OPT_TIMEOUT) | OPT(OPT_JSON),
     2, command_call},
    {"reload",
     "INSTANCE --plugin FILE [--allow-diff N] [--shadow CAPTURE] [--limit MS] [--timeout SECONDS] "
     "[--json]",
     "exchange the plugin of an instance while it runs; rolled back when anything fails",
     "State is handed over, and events wait meanwhile; `hawse-plugin(7)` says what a plugin needs "
     "for\n"
     "it. What it would have decided in the recording is compared first. Exit code 1: the old one "
     "goes on,\n"
     "and it is said which step failed. SIGHUP reloads the configuration.",
     OPT(OPT_SOCKET) | OPT(OPT_PLUGIN) | OPT(OPT_ALLOW_DIFF) | OPT(OPT_SHADOW) | OPT(OPT_LIMIT) |
         OPT(OPT_TIMEOUT) | OPT(OPT_JSON),
     1, command_reload},
    {"fill-nonce", "CHAIN ACCOUNT NONCE [--socket PATH]",
     "give up a nonce that a host which will not come back has marked as sent",
     "For hosts that share keys through Redis. An empty transaction takes the nonce, when no block "
     "and\n"
     "no pool has one with it and that host is not heard of; `hawse intents` and `hawse journal` "
     "say\n"
     "what becomes of it. The log names the nonce, where others wait for it.",
     OPT(OPT_SOCKET), 3, command_fill_nonce},
    {"kill", "[INSTANCE] [--why TEXT] [--socket PATH]",
     "sign nothing new, for one instance or for all; it holds across restarts",
     "What was sent is watched to its end, and taken back where it is stuck.",
     OPT(OPT_SOCKET) | OPT(OPT_WHY), 1, command_kill},
    {"resume", "[INSTANCE] [--socket PATH]", "end what `hawse kill` began", "", OPT(OPT_SOCKET), 1,
     command_resume},
    {"feed", "SAMPLE [--listen HOST:PORT] [--speed N]",
     "play a sample as a node or venue would speak: WebSocket and HTTP on one loopback port",
     "For the quickstart, and for trying plugins without a network.",
     OPT(OPT_LISTEN) | OPT(OPT_SPEED), 1, command_feed},
    {"replay",
     "CAPTURE [--speed N] [--lanes N] [--isolation WHERE] [--from S] [--to S] [--instance ID] "
     "[--plugin ID=FILE]... | --diff A B",
     "drive plugins from a capture and compare all they do with what they did",
     "Without a network, by the recorded clock, as fast as it goes unless --speed says otherwise.\n"
     "Exit code 1: something differs, and the first difference is told; 2: a plugin file is "
     "another\n"
     "than was recorded. --out records what happens now, for --diff, which compares two captures.",
     OPT(OPT_SPEED) | OPT(OPT_LANES) | OPT(OPT_ISOLATION) | OPT(OPT_FROM) | OPT(OPT_TO) |
         OPT(OPT_PLUGIN) | OPT(OPT_INSTANCE) | OPT(OPT_PATH) | OPT(OPT_OUT) | OPT(OPT_DIFF) |
         OPT(OPT_JSON),
     2, command_replay},
    {"report", "CAPTURE --out FILE.html [--chain-time]", "a capture as one HTML page",
     "Events over time, latency, prices, metrics of plugins and decisions, with plots; no script,\n"
     "no other file. Runs no plugin, so that captures of which segments are missing can be shown\n"
     "too.",
     OPT(OPT_OUT) | OPT(OPT_CHAIN_TIME), 1, command_report},
    {"keys",
     "new NAME | import NAME FILE | list | export-public NAME | rotate NAME | verify [NAME] "
     "[--dir DIR] [--json]",
     "make, import, list and re-encrypt private keys; none is ever shown",
     "A passphrase never stands on the command line: it is asked for on the terminal, or read from "
     "where\n"
     "--passphrase-from says. rotate encrypts a key again, under a new passphrase, cost or lock; "
     "its address\n"
     "stays. verify proves that the passphrase opens the file, and that nobody changed it. Exit "
     "code 1: a\n"
     "key is refused, damaged, or not there.",
     OPT(OPT_DIR) | OPT(OPT_KIND) | OPT(OPT_CHAIN) | OPT(OPT_TESTNET_ONLY) | OPT(OPT_COST) |
         OPT(OPT_FORMAT) | OPT(OPT_PASSPHRASE_FROM) | OPT(OPT_PASSPHRASE_FILE) | OPT(OPT_NEW_FROM) |
         OPT(OPT_IMPORT_FROM) | OPT(OPT_JSON),
     3, command_keys},
    {"signer", "[NAME[=SOURCE]]... --socket PATH [--dir DIR] [--client-uid UID]",
     "hold keys in a process of its own, and sign for hosts over a Unix socket",
     "Without names: all keys of the folder. The locks of each key are judged here as well. Only "
     "processes\n"
     "of the same user and of root are answered; for a host of another user there is --client-uid. "
     "SIGTERM\n"
     "and Ctrl-C end it.",
     OPT(OPT_DIR) | OPT(OPT_SOCKET) | OPT(OPT_PASSPHRASE_FROM) | OPT(OPT_PASSPHRASE_FILE) |
         OPT(OPT_CLIENT_UID),
     8, command_signer},
    {"journal",
     "query FILE | export FILE | verify FILE | backup FILE TO | restore COPY FILE [--json]",
     "look at, prove, copy and put back the journal of intents",
     "FILE is the journal or the folder it is in (state_dir); a host may have it meanwhile, but "
     "for "
     "restore.\n"
     "query shows records by instance, intent, id, time and step; export all that is in them, as a "
     "line of\n"
     "JSON each, with bodies and signed bytes. Exit code 1: it does not verify, or cannot be read.",
     OPT(OPT_INSTANCE) | OPT(OPT_INTENT) | OPT(OPT_ID) | OPT(OPT_SINCE) | OPT(OPT_UNTIL) |
         OPT(OPT_STEP) | OPT(OPT_HEAD) | OPT(OPT_FORCE) | OPT(OPT_JSON),
     3, command_journal},
    {"new", "KIND NAME [--of contract] [--lang c|cpp|rust]",
     "write a folder with a plugin that builds, has a test and passes `hawse check`",
     "KIND: chain, venue, protocol, strategy or sink. NAME: the folder's; or an id such as\n"
     "org.example.my-venue, of which the last part is the folder's. Nothing is overwritten.",
     OPT(OPT_OF) | OPT(OPT_LANG), 2, command_new},
    {"check",
     "FILE.so [--case N] [--seed S] [--settings FILE] [--recording CAPTURE] [--json | --junit] |\n"
     "--host [PROGRAM] [--case N] [--json | --junit] | [--host] --list",
     "try a plugin file against the conformance kit, or a host against broken plugins, offline",
     "Each case runs in a process of its own, for 5 seconds at most. Warnings pass. Exit code 1: a "
     "case\n"
     "failed or crashed; --case N --seed S makes it happen again.",
     OPT(OPT_CASE) | OPT(OPT_SEED) | OPT(OPT_SETTINGS) | OPT(OPT_LIST) | OPT(OPT_JSON) |
         OPT(OPT_JUNIT) | OPT(OPT_HOST) | OPT(OPT_RECORDING),
     1, command_check},
    {"version", "[--json]", "versions of hawse and its libraries", "", OPT(OPT_JSON), 0,
     command_version},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);
_Static_assert(sizeof(commands) / sizeof(commands[0]) <= COMMANDS_MAX, "raise COMMANDS_MAX");
