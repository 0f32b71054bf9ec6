/** As image-spec image-index.md has it: Go's GOOS and GOARCH, with the CPU's variant. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}
