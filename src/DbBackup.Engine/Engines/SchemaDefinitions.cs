namespace DbBackup.Engine.Engines;

/// <summary>The objects of a schema, each with the text that defines it.</summary>
/// <param name="Writer">Who wrote the texts: those of another writer may have other words for the same.</param>
/// <param name="Objects">The texts by the objects' names, as in <c>table public.people</c>; several objects may share a name.</param>
internal sealed record SchemaDefinitions(string Writer, IReadOnlyDictionary<string, IReadOnlyList<string>> Objects);
