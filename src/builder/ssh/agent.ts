/** Something that signs with keys it does not give away. */
export interface Agent {
  /** For one client: what a client binds its connection to holds for that connection alone. */
  open(): Promise<AgentSession>;
}

export interface AgentSession extends Disposable {
  /** One message there, one back; one at a time. @throws when the agent is gone */
  ask(message: Buffer): Promise<Buffer>;
}
