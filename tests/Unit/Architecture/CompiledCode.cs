using Mono.Cecil;
using Mono.Cecil.Cil;

namespace DbBackup.Tests.Unit.Architecture;

/// <summary>
/// The types that compiled code uses. The source would not tell: a namespace needs no using for its parents, and a type can be used without
/// being named.
/// </summary>
internal static class CompiledCode
{
    /// <summary>Reads the top-level types of one of our assemblies.</summary>
    public static IReadOnlyList<TypeDefinition> TypesOf(string assembly) =>
        [.. ModuleDefinition.ReadModule(Path.Join(AppContext.BaseDirectory, assembly + ".dll")).Types.Where(type => IsOurs(type.Namespace))];

    /// <summary>Returns the full names and namespaces of the top-level types of this project that a type uses, those of its nested types included.</summary>
    public static IReadOnlySet<(string Namespace, string Name)> UsesOf(TypeDefinition type)
    {
        var found = new HashSet<(string, string)>();
        AddType(type, signaturesOnly: false, found);
        return found;
    }

    /// <summary>Returns the types that other assemblies meet if they use a type: those in its public and protected signatures.</summary>
    public static IReadOnlySet<(string Namespace, string Name)> ExposedBy(TypeDefinition type)
    {
        var found = new HashSet<(string, string)>();
        AddType(type, signaturesOnly: true, found);
        return found;
    }

    private static void AddType(TypeDefinition type, bool signaturesOnly, HashSet<(string, string)> found)
    {
        Add(type.BaseType, found);
        foreach (InterfaceImplementation each in type.Interfaces)
            Add(each.InterfaceType, found);
        AddAttributes(type, found);
        AddConstraints(type, found);
        foreach (FieldDefinition field in type.Fields.Where(field => !signaturesOnly || field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly))
        {
            Add(field.FieldType, found);
            AddAttributes(field, found);
        }

        foreach (PropertyDefinition property in type.Properties)
            AddAttributes(property, found);
        foreach (MethodDefinition method in type.Methods.Where(method => !signaturesOnly || method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly))
        {
            AddSignature(method, found);
            AddAttributes(method, found);
            AddConstraints(method, found);
            if (!signaturesOnly && method.HasBody)
                AddBody(method.Body, found);
        }

        foreach (TypeDefinition nested in type.NestedTypes.Where(nested => !signaturesOnly || nested.IsNestedPublic || nested.IsNestedFamily))
            AddType(nested, signaturesOnly, found);
    }

    private static void AddBody(MethodBody body, HashSet<(string, string)> found)
    {
        foreach (VariableDefinition variable in body.Variables)
            Add(variable.VariableType, found);
        foreach (ExceptionHandler handler in body.ExceptionHandlers)
            Add(handler.CatchType, found);
        foreach (Instruction instruction in body.Instructions)
        {
            switch (instruction.Operand)
            {
                case TypeReference used:
                    Add(used, found);
                    break;
                case FieldReference field:
                    Add(field.DeclaringType, found);
                    Add(field.FieldType, found);
                    break;
                case MethodReference method:
                    AddSignature(method, found);
                    break;
            }
        }
    }

    private static void AddSignature(MethodReference method, HashSet<(string, string)> found)
    {
        Add(method.DeclaringType, found);
        Add(method.ReturnType, found);
        foreach (ParameterDefinition parameter in method.Parameters)
            Add(parameter.ParameterType, found);
        if (method is GenericInstanceMethod instance)
        {
            foreach (TypeReference argument in instance.GenericArguments)
                Add(argument, found);
        }
    }

    private static void AddAttributes(ICustomAttributeProvider provider, HashSet<(string, string)> found)
    {
        foreach (CustomAttribute attribute in provider.CustomAttributes)
        {
            Add(attribute.AttributeType, found);
            // [ArgumentCompleter(typeof(…))], [AsyncStateMachine(typeof(…))]
            if (IsOfOurAttributes(attribute))
            {
                foreach (CustomAttributeArgument argument in attribute.ConstructorArguments)
                    Add(argument.Value as TypeReference, found);
            }
        }
    }

    // Values of enumerations of other assemblies could be read only with those assemblies.
    private static bool IsOfOurAttributes(CustomAttribute attribute) =>
        attribute.Constructor.Parameters.Count > 0 && attribute.Constructor.Parameters.All(parameter => parameter.ParameterType.FullName == "System.Type");

    private static void AddConstraints(IGenericParameterProvider provider, HashSet<(string, string)> found)
    {
        foreach (GenericParameterConstraint constraint in provider.GenericParameters.SelectMany(parameter => parameter.Constraints))
            Add(constraint.ConstraintType, found);
    }

    private static void Add(TypeReference? type, HashSet<(string, string)> found)
    {
        switch (type)
        {
            case null or GenericParameter:
                return;
            case GenericInstanceType instance:
                foreach (TypeReference argument in instance.GenericArguments)
                    Add(argument, found);
                Add(instance.ElementType, found);
                return;
            case IModifierType modified:
                Add(modified.ElementType, found);
                Add(modified.ModifierType, found);
                return;
            case TypeSpecification specification:
                Add(specification.ElementType, found);
                return;
        }

        while (type.DeclaringType is { } outer)
            type = outer;
        if (IsOurs(type.Namespace))
            found.Add((type.Namespace, type.FullName));
    }

    private static bool IsOurs(string name) => name == "DbBackup" || name.StartsWith("DbBackup.", StringComparison.Ordinal);
}
