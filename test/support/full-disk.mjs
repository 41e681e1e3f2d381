/** Loaded into a gate by a test: the kernel lets no file of it grow beyond so many bytes. Linux only. */
import { execFileSync } from 'node:child_process'

const most = process.env.TEST_FILE_BYTES
execFileSync('/usr/bin/prlimit', ['--pid', String(process.pid), `--fsize=${most}:unlimited`])
