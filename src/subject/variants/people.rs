//! Small words of names: titles, particles, and the commonest given and family names, by which another person's longer
//! name is told from this person's.
//!
//! All in bare form (`norm::bare`). The lists of names need not be complete: they only lower the strength of a hit.

/// Titles and forms of address that stand before a name and are no part of it.
const TITLES: &str = " dr dres dra prof professor mr mrs ms miss mx herr herrn frau sir dame lord lady rev ing dipl \
    dipl-ing mag lic sr sra srta mme mlle dott dottssa doc mudr mgr bc phdr judr pan pani signor signora don hr fru med \
    г гн госпожа господин пан κ κοσ κα ";

/// What stands behind a name and is no part of it.
const SUFFIXES: &str = " jr sr ii iii iv phd md mba msc bsc esq dds cpa pmp ba ma llm meng beng jnr snr ";

/// Particles of family names.
const PARTICLES: &str = " van von der den dem des de del della dello dei di da dal dos das do du d la le las los el al \
    ul as ad ben bin ibn bint abu zu zum zur ter ten te t af av op vom y ";

/// Whether a word, in bare form and without its dots, is a title.
pub(in crate::subject) fn is_title(word: &str) -> bool {
    listed(TITLES, word)
}

/// Whether it stands behind names, as `Jr.` does.
pub(in crate::subject) fn is_suffix(word: &str) -> bool {
    listed(SUFFIXES, word)
}

/// Whether it is a particle of a family name.
pub(in crate::subject) fn is_particle(word: &str) -> bool {
    listed(PARTICLES, word)
}

/// Words by which files are named after a person: what the file is, not who.
const FILES: &str = " agreement angebot antrag application attestation avatar bericht bewerbung bild brief certificate \
    contract cover cv data daten doc draft email entwurf export final foto hr import info interview invoice kontakt \
    kopie copy lebenslauf letter list log mail memo nda note notes notiz notizen offer old photo pic picture profil profile \
    protokoll rechnung report resume review scan scans signed slides thesis urlaub vertrag zeugnis new neu alt backup \
    signature unterschrift portrait headshot onboarding offboarding feedback timesheet ";

/// Words that make the name of a place or an institution of a person's name.
const PLACES: &str = " allee avenue brucke brücke campus center centre chair college court drive fonds foundation gasse \
    gymnasium halle hall haus hospital house institut institute klinik lane library museum park platz preis prize award \
    ring road saal school schule square stadion stiftung str strasse straße street university ufer weg zentrum rue \
    calle via plaza platsen gatan vej ";

/// Whether it says what a file is.
pub(in crate::subject) fn is_of_files(word: &str) -> bool {
    listed(FILES, word)
}

/// Whether it makes a place or an institution of the name in front of it.
pub(in crate::subject) fn is_of_places(word: &str) -> bool {
    listed(PLACES, word)
}

/// Whether it is a common given name.
pub(in crate::subject) fn is_given(word: &str) -> bool {
    listed(GIVEN, word)
}

/// Whether it looks like a family name: a common one, or of a common ending.
pub(in crate::subject) fn is_family(word: &str) -> bool {
    const ENDINGS: [&str; 24] = [
        "sen", "sson", "son", "strom", "mann", "ski", "sky", "ska", "cki", "wicz", "vich", "ovic", "evic", "enko",
        "ova", "eva", "idis", "opoulos", "quist", "gren", "dottir", "oglu", "shvili", "ez",
    ];
    const WORDS: &str = " person reason season lesson mason poison prison unison comparison salesperson comparision ";
    listed(FAMILY, word)
        || (word.chars().count() >= 5 && ENDINGS.iter().any(|e| word.ends_with(e)) && !listed(WORDS, word))
}

fn listed(list: &str, word: &str) -> bool {
    !word.is_empty()
        && !word.contains(' ')
        && list.match_indices(word).any(|(at, _)| {
            let bytes = list.as_bytes();
            at > 0 && bytes[at - 1] == b' ' && bytes.get(at + word.len()) == Some(&b' ')
        })
}

const GIVEN: &str = " aaron adam adrian agnes ahmed aisha alan albert alejandro aleksandr aleksandra alena alex \
    alexander alexandra alexandre alexis ali alice alicia alina alma amalia amanda amelia amina amy ana anastasia anders \
    andre andrea andreas andrei andrej andrew angela angelika anita anja anke ann anna annabel anne annemarie annette \
    annika anthony antje anton antonia antonio arne arthur astrid august axel barbara beata beate beatrice ben benjamin \
    bernard bernd bernhard bettina birgit bjorn bob boris brian brigitte bruno camille carl carla carlo carlos carmen \
    carol carolin caroline catherine cecilia celine charles charlotte chloe chris christa christian christiane christina \
    christine christof christoph christopher clara claudia claire clemens constantin cornelia dagmar daniel daniela danielle \
    david deborah denis denise diana dieter dietmar dirk dmitri dominik dominique donald dora doris dorothea edgar edith \
    eduard edward ekaterina elena eleonora eli elias elin elisa elisabeth elise elizabeth ella elke ellen elsa emil emilia \
    emilie emily emma eric erica erich erik erika erin ernst esther eugen eugenia eva evelyn ewa fatima felix ferdinand \
    filip florian frances francesca francesco francis franz frank franziska fred frederic frederik friedrich gabriel gabriela \
    gabriele georg george gerald gerd gerhard gisela giulia giuseppe gloria grace greta gregor guido gunter gustav hanna \
    hannah hanne hannes hans harald harry hassan heather heidi heike heiko heinrich heinz helen helena helene helga helmut \
    hendrik henri henrik henry herbert hermann hilde holger horst hugo ian ibrahim ida igor ina ines inga inge ingrid irene \
    irina iris isabel isabella isabelle ivan ivana jack jacob jacqueline jakob james jan jana jane janet janine jaroslav jason \
    javier jean jeanne jeff jennifer jens jeremy jessica jesus jill jim joan joana joann joanna joanne joao jochen joe johan \
    johann johanna johannes john jonas jonathan jorg jorge jose josef joseph joshua juan judith julia julian juliana julie \
    julien julius jurgen justin jutta kai karen karim karin karina karl karla karolina karsten katarina kate katharina \
    katherine kathrin katja katrin kay keith kelly ken kenneth kerstin kevin khalid kim klaus konrad konstantin kristian \
    kristin kristina kurt lars lasse laura lauren laurent lea leah lena leo leon leonard leonie leticia lewis liam lily lina \
    linda lisa liz lorenz lorenzo lothar louis louisa louise luca lucas lucia lucie lucy ludmila ludwig luigi luis luisa \
    lukas lydia madeleine magdalena maja malte manfred manuel manuela marc marcel marcus marcos mareike margaret margarete \
    margarita maria mariam marian mariana marianne marie marina mario marion mark marko markus marta martha martin martina \
    mary mathias mathilde matteo matthew matthias maurice max maximilian maya megan mehmet melanie melissa mia michael \
    michaela michal michel michele michelle miguel mike mikhail mila milan mila milos miriam mohamed mohammed monica monika \
    moritz muhammad mustafa nadia nadine nadja nancy natalia natalie natasha nathalie nathan nele nicholas nick nicola nicolas \
    nicole niels nikita niklas nikolai nils nina noah noel nora norbert norma oksana olaf ole oleg olga oliver olivia olivier \
    omar oscar oskar otto pablo pamela paolo pascal patricia patrick patrik paul paula paulina pauline pavel pedro peggy per \
    peter petr petra philip philipp philippe pia pierre piotr rachel raffael rafael rainer ralf ralph ramona raphael raul \
    rebecca regina reiner reinhard renate rene richard rita robert roberto robin roger roland rolf roman ronald ronja rosa \
    rosemarie roy rudolf russell ruth ryan sabina sabine sabrina sally samantha samir samuel sandra sara sarah sascha scott \
    sean sebastian selma serena sergei sergey sergio shannon sharon sigrid silke silvia simon simona simone sofia sofie sonia \
    sonja sophia sophie soren stefan stefanie steffen stephan stephanie stephen steve steven sue susan susanna susanne sven \
    svetlana swen sybille sylvia tamara tanja tania tatiana tatjana teresa terry thea theo theodor theresa thomas thorsten \
    tim timo timothy tina tobias tom tomas tomasz tony torben torsten udo ulf ulrich ulrike ursula ute uwe valentin valentina \
    valeria vanessa vera verena veronica veronika victor victoria viktor viktoria vincent viola virginia vivian vladimir volker \
    walter waltraud wei wendy werner wilhelm willi william wolfgang xavier yan yasmin yolanda yuri yusuf yvonne zara zoe zofia \
    zuzana анна мария елена ольга наталья татьяна ирина светлана екатерина александр сергеи андреи дмитрии иван михаил \
    владимир алексеи николаи μαρια γιωργοσ ελενη ";

const FAMILY: &str = " smith jones taylor brown williams davies evans thomas roberts walker wright robinson thompson white \
    hughes edwards green hall wood harris clark lewis patel jackson turner hill cooper ward moore allen king young baker adams \
    miller davis garcia rodriguez martinez hernandez lopez gonzalez perez sanchez ramirez torres flores rivera gomez diaz reyes \
    cruz morales ortiz gutierrez ruiz alvarez moreno romero muller mueller schmidt schneider fischer weber meyer meier maier \
    mayer wagner becker schulz schulze hoffmann schafer schaefer koch bauer richter klein wolf schroder schroeder neumann \
    schwarz zimmermann braun kruger krueger hofmann hartmann lange schmitt werner krause lehmann schmid vogel stein jung frank \
    keller gunther roth lorenz baumann franke albrecht schuster simon ludwig winter kraus vogt jager brandt haas lang larsen \
    larsson hansen hanson johansen johansson johnson nilsson nielsen olsen olsson jensen andersen andersson anderson pedersen \
    kristensen christensen rasmussen sorensen petersen petersson karlsson svensson eriksson persson gustafsson lindberg lindstrom \
    lundgren berglund bergstrom holm lund dahl berg bakke haugen moen virtanen korhonen makinen nieminen laine rossi russo \
    ferrari esposito bianchi romano colombo ricci marino greco conti martin bernard dubois durand leroy moreau laurent lefebvre \
    michel bertrand roux fournier girard silva santos oliveira souza pereira ferreira alves lima costa ribeiro carvalho almeida \
    novak novakova svoboda dvorak cerny prochazka kucera horvat kovac kovacs nagy toth szabo nowak kowalski kowalska wisniewski \
    wojcik kaminski lewandowski popescu ionescu popa dimitrov petrov petrova ivanov ivanova smirnov kuznetsov popov volkov \
    yilmaz kaya demir celik sahin yildiz nguyen tran le pham wang li zhang liu chen yang huang zhao wu zhou kim lee park choi \
    tanaka sato suzuki takahashi watanabe ito yamamoto nakamura khan singh kumar sharma gupta ahmed hussain ali jansen visser \
    bakker janssen smit boer mulder peters meijer maes jacobs willems иванов иванова петров петрова смирнов кузнецов попов ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::norm;

    #[test]
    fn whole_words_only() {
        assert!(is_title("dr") && is_particle("van") && is_suffix("jr") && is_given("maria") && is_family("larsen"));
        assert!(!is_title("d") && !is_particle("va") && !is_given("mari an") && !is_given("") && !is_family("person"));
    }

    #[test]
    fn lists_are_in_bare_form() {
        for list in [TITLES, SUFFIXES, PARTICLES, GIVEN, FAMILY] {
            for word in list.split_whitespace() {
                assert_eq!(norm::bare(word).text(), word);
            }
        }
    }
}
