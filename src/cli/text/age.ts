const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** A span of time as Docker words it (github.com/docker/go-units, HumanDuration). */
export function formatAge(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / SECOND);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(milliseconds / HOUR + 0.5);
  if (seconds < 1) return 'Less than a second';
  if (seconds < 60) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  if (minutes < 60) return minutes === 1 ? 'About a minute' : `${minutes} minutes`;
  if (hours < 48) return hours === 1 ? 'About an hour' : `${hours} hours`;
  return formatDays(Math.floor(hours / 24));
}

function formatDays(days: number): string {
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.floor(days / 7)} weeks`;
  if (days < 730) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(days / 365)} years`;
}

/** How long ago an image was made, `N/A` where it does not say. */
export function formatCreated(created: string | undefined, now: number): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  return Number.isNaN(time) ? 'N/A' : `${formatAge(Math.max(0, now - time))} ago`;
}
