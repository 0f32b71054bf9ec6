/** Media types of the OCI image-spec and of Docker's distribution manifests, which every registry still carries. */
export const MEDIA_TYPE = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociForeignLayer: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ociForeignLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ociForeignLayerZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const;

type Known = typeof MEDIA_TYPE;
export type ManifestMediaType = Known['ociManifest'] | Known['dockerManifest'];
export type IndexMediaType = Known['ociIndex'] | Known['dockerManifestList'];
export type ConfigMediaType = Known['ociConfig'] | Known['dockerConfig'];
export type LayerMediaType =
  | Known['ociLayer']
  | Known['ociLayerGzip']
  | Known['ociLayerZstd']
  | Known['ociForeignLayer']
  | Known['ociForeignLayerGzip']
  | Known['ociForeignLayerZstd']
  | Known['dockerLayer']
  | Known['dockerLayerGzip']
  | Known['dockerForeignLayerGzip'];
export type MediaType = ManifestMediaType | IndexMediaType | ConfigMediaType | LayerMediaType;

export function isManifestMediaType(text: string): text is ManifestMediaType {
  return text === MEDIA_TYPE.ociManifest || text === MEDIA_TYPE.dockerManifest;
}

export function isIndexMediaType(text: string): text is IndexMediaType {
  return text === MEDIA_TYPE.ociIndex || text === MEDIA_TYPE.dockerManifestList;
}

/** Layers that may not be distributed (image-spec layer.md, "Non-Distributable Layers"): their URLs say where they are. */
export function isForeignLayerMediaType(text: string): boolean {
  return text === MEDIA_TYPE.dockerForeignLayerGzip || text.startsWith(MEDIA_TYPE.ociForeignLayer);
}
