namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>A part of an upload.</summary>
/// <param name="Number">Its place, from 1.</param>
/// <param name="Content">Its bytes, which are the uploader's until its task ends.</param>
/// <param name="IsLast">True for the last one. Of an upload that has only this one nothing else was sent: it can be put as a whole.</param>
internal readonly record struct UploadPart(int Number, ReadOnlyMemory<byte> Content, bool IsLast);
