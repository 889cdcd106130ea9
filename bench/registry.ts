/** All measurements, in the order they run. */
import type { Measurement } from './measurement.ts';
import { extraction } from './measurements/extraction.ts';
import { hookCommand } from './measurements/hook-command.ts';
import { hookHttp } from './measurements/hook-http.ts';
import { idleToLease } from './measurements/idle-to-lease.ts';
import { intake } from './measurements/intake.ts';
import { kill } from './measurements/kill.ts';
import { leaseEmpty } from './measurements/lease-empty.ts';
import { mailToLease } from './measurements/mail-to-lease.ts';
import { send } from './measurements/send.ts';
import { wake } from './measurements/wake.ts';

export const MEASUREMENTS: readonly Measurement[] = [
  hookHttp,
  hookCommand,
  send,
  leaseEmpty,
  mailToLease,
  idleToLease,
  wake,
  intake,
  extraction,
  kill,
];
