import { drainMicrotasks } from "bun:jsc";

/** Something that can be stopped. Its events are lost if it dies, and wait while it is frozen. */
export interface Process {
  readonly name: string;
  isAlive: boolean;
  frozenUntilMs: number;
}

export interface ScheduledEvent {
  atMs: number;
  /** Orders events of the same instant by when they were scheduled. */
  turn: number;
  readonly process: Process | null;
  readonly run: () => void;
  isCancelled: boolean;
}

/**
 * Virtual time. Everything that happens is an event. After each event, all promises that it has settled run until they
 * wait again, so that the order of everything depends only on the order of the events.
 */
export class Scheduler {
  nowMs = 0;
  /** The number of events so far. Two things that happen in one event happen at the same instant. */
  step = 0;
  #turn = 0;
  #running: Process | null = null;
  readonly #heap: ScheduledEvent[] = [];

  /** The process of the current event; `null` for servers and the network. */
  get running(): Process | null {
    return this.#running;
  }

  /**
   * Schedules an event. `process` is the process that it belongs to, or `null` for servers and the network, which no
   * crash stops.
   */
  after(delayMs: number, process: Process | null, run: () => void): ScheduledEvent {
    const event = { atMs: this.nowMs + delayMs, turn: this.#turn++, process, run, isCancelled: false };
    this.#push(event);
    return event;
  }

  /** Runs the next event. Returns `false` if there is none before `limitMs`. */
  runNext(limitMs: number): boolean {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.atMs > limitMs) return false;
      this.#pop();
      if (event.isCancelled || event.process?.isAlive === false) continue;
      if (event.process !== null && event.process.frozenUntilMs > event.atMs) {
        event.atMs = event.process.frozenUntilMs;
        event.turn = this.#turn++;
        this.#push(event);
        continue;
      }
      this.#perform(event);
      return true;
    }
  }

  #perform(event: ScheduledEvent): void {
    this.nowMs = event.atMs;
    this.step += 1;
    this.#running = event.process;
    event.run();
    drainMicrotasks();
    this.#running = null;
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap;
    let place = heap.push(event) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = event;
  }

  /** Removes the first event. */
  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      let child = heap[below];
      const right = heap[below + 1];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        below += 1;
        child = right;
      }
      if (child === undefined || isBefore(last, child)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.turn < b.turn);
}
