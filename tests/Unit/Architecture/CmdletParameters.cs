using Mono.Cecil;

namespace DbBackup.Tests.Unit.Architecture;

/// <summary>The parameters of the compiled cmdlets.</summary>
internal static class CmdletParameters
{
    // What a compiler writes, what each cmdlet says for itself, and what only the help shows.
    private static readonly string[] NotCompared = ["NullableAttribute", "ParameterAttribute", "SupportsWildcardsAttribute"];

    /// <summary>Returns each parameter of each cmdlet, with all that a user's value meets.</summary>
    public static IEnumerable<(string Cmdlet, string Name, string Meaning)> Read() =>
        from cmdlet in CompiledCode.TypesOf("DbBackup.PowerShell")
        where cmdlet.CustomAttributes.Any(attribute => attribute.AttributeType.Name == "CmdletAttribute")
        from property in WithBases(cmdlet).SelectMany(type => type.Properties)
        where property.CustomAttributes.Any(attribute => attribute.AttributeType.Name == "ParameterAttribute")
        select (cmdlet.Name, property.Name, Describe(property));

    private static IEnumerable<TypeDefinition> WithBases(TypeDefinition type)
    {
        for (TypeDefinition? each = type; each is not null; each = each.BaseType as TypeDefinition)
            yield return each;
    }

    // One value or several is a matter of the cmdlet; what a value is, is not.
    private static string Describe(PropertyDefinition property)
    {
        string type = property.PropertyType is ArrayType several ? several.ElementType.FullName : property.PropertyType.FullName;
        IEnumerable<string> attributes = property.CustomAttributes.Where(attribute => !NotCompared.Contains(attribute.AttributeType.Name)).Select(Describe);
        return string.Join(' ', attributes.Order(StringComparer.Ordinal).Prepend(type));
    }

    private static string Describe(CustomAttribute attribute) => $"[{attribute.AttributeType.Name}({string.Join(", ", attribute.ConstructorArguments.Select(Describe))})]";

    private static string Describe(CustomAttributeArgument argument) => argument.Value switch
    {
        CustomAttributeArgument[] several => string.Join(", ", several.Select(Describe)),
        CustomAttributeArgument boxed => Describe(boxed),
        object value => value.ToString()!,
        null => "null",
    };
}
